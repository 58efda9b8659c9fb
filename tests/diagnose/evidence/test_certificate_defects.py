"""What a client may refuse in a server's certificate."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

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
        (Certificate("CN=a", "CN=b", (), 0, _LATER), 2, "unknown", "no subjectAltName"),
        (
            Certificate("CN=a", "CN=b", ("x.test",), 0, _LATER, for_servers=False),
            2,
            "server",
            "does not allow a server",
        ),
        (Certificate("CN=a", "CN=b", ("x.test",), 0, _LATER, rsa_bits=1024), 2, "unknown", "has 1024 bits"),
        (Certificate("CN=a", "CN=b", ("x.test",), 0, _LATER, rsa_bits=2048), 2, "unknown", ""),
        (Certificate("CN=a", "CN=b", ("x.test",), 0, _LATER, hashed_with="sha1"), 2, "unknown", "SHA1"),
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


def test_an_issuer_s_certificate_that_had_expired_is_the_server_s_to_replace() -> None:
    wire = Wire()
    wire.ok(0)
    leaf = Certificate("CN=a", "CN=b", ("x.test",), 0, _LATER)
    old, new = Certificate("CN=b", "CN=c", not_after_ns=_BEFORE), Certificate("CN=b", not_after_ns=_LATER)
    for issuers, fault in (([new, old], "server"), ([new], "unknown")):
        tls = TlsInfo(server_name="x.test", leaf=leaf, chain=3, issuers_said=issuers)
        found = certificate_defect(wire.done(), tls)
        assert (found[0], "of an issuer, had expired 9 days" in found[1]) == (fault, fault == "server")


def test_a_staple_that_the_certificate_demands_is_the_server_s_to_send() -> None:
    """mpeylo/cmpossl#111, curl/curl#21444."""
    wire = Wire()
    wire.ok(0)
    leaf = Certificate("CN=a", "CN=b", ("x.test",), 0, _LATER, must_staple=True)
    tls = TlsInfo(server_name="x.test", leaf=leaf, chain=2, status_requested=True)
    fault, says = certificate_defect(wire.done(), tls)
    assert (fault, "RFC 7633" in says) == ("server", True)
    for sound in (replace(tls, stapled=True), replace(tls, status_requested=False)):
        assert certificate_defect(wire.done(), sound) == ("unknown", "")
