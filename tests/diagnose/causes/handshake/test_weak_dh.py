"""A client that refuses the server's Diffie-Hellman group."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, Connection, Side, TlsInfo
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, SERVER, only


def _refused(side: Side, bits: int | None) -> Connection:
    opening = Opening().syn(0).accept().hello(81)
    opening.segment(SERVER, 161, ACK | PSH, ack=517, length=1400)
    opening.tls = TlsInfo(
        "TLS 1.2", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", dh_bits=bits, starts=[0, 0], hello_size=517
    )
    opening.close(side, "alert", 166, seq=517, ack=1400, detail="handshake_failure")
    return opening.done()


def test_a_small_group_is_the_server_s_fault_and_named_by_its_bits() -> None:
    finding = only(diagnose([_refused(CLIENT, 1024)]))
    assert finding.fault == "server"
    assert "1024 bits" in finding.claim
    assert "ECDHE" in finding.advice_server


@pytest.mark.parametrize(("side", "bits"), [(CLIENT, 2048), (CLIENT, None), (SERVER, 1024)])
def test_a_large_group_none_or_the_server_s_own_refusal_are_not_about_the_group(
    side: Side, bits: int | None
) -> None:
    finding = only(diagnose([_refused(side, bits)]))
    assert finding.fault != "server"
    assert "bits" not in finding.claim
