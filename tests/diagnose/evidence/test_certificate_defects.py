"""What a client may refuse in a server's certificate."""

from __future__ import annotations

import pytest

from plainwire.diagnose.evidence.certificate_defects import certificate_defect
from plainwire.model import Certificate, TlsInfo
from tests.diagnose.wire import EPOCH_NS, Wire

_DAY_NS = 86_400 * 10**9
_LATER, _BEFORE = EPOCH_NS + 9 * _DAY_NS, EPOCH_NS - 9 * _DAY_NS


@pytest.mark.parametrize(
    ("leaf", "chain", "fault", "says"),
    [
        (Certificate("CN=a", "CN=b", ("x.test",), 0, _LATER), 2, "unknown", ""),
        (Certificate("CN=a", "CN=b", ("y.test",), 0, _LATER), 2, "unknown", "does not cover the name"),
        (Certificate("CN=a", "CN=b", ("x.test",), 0, _BEFORE), 2, "server", "expired 9 days before"),
        (Certificate("CN=a", "CN=b", ("x.test",), _LATER, _LATER), 2, "unknown", "valid only 9 days later"),
        (Certificate("CN=a", "CN=a", ("x.test",), 0, _LATER), 1, "unknown", "signed itself"),
        (Certificate("CN=a", "CN=a", ("x.test",), 0, _BEFORE), 1, "unknown", "signed itself"),
        (Certificate("CN=a", "CN=b", ("x.test",), 0, _LATER), 1, "unknown", "its own certificate only"),
        (Certificate(defect="the certificate is damaged"), 1, "unknown", ""),
    ],
)
def test_each_defect_is_a_sentence(leaf: Certificate, chain: int, fault: str, says: str) -> None:
    wire = Wire()
    wire.ok(0)
    found = certificate_defect(wire.done(), TlsInfo(server_name="x.test", leaf=leaf, chain=chain))
    assert found[0] == fault
    assert says in found[1]
    assert bool(found[1]) is bool(says)
