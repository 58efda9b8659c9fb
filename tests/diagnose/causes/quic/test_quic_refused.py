"""The first packets of QUIC met with an ICMP error, and with nothing else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import IcmpError
from tests.diagnose.causes.quic.quic_connections import unanswered
from tests.diagnose.opening import healthy
from tests.diagnose.wire import CLIENT_END, EPOCH_NS, MS, SERVER_END, only


def _error(sender: str = SERVER_END.address) -> IcmpError:
    says = "destination unreachable: port unreachable"
    return IcmpError(2, EPOCH_NS + MS, sender, 3, 3, says, 17, CLIENT_END, SERVER_END)


@pytest.mark.parametrize(("sender", "fault"), [(SERVER_END.address, "server"), ("203.0.113.1", "path")])
def test_an_icmp_error_is_a_refusal(sender: str, fault: str) -> None:
    connection = unanswered()
    connection.icmp_errors = [_error(sender)]
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault, finding.certainty) == ("connection-refused", fault, "likely")
    assert "over UDP" in finding.claim
    assert finding.failure


def test_a_client_that_goes_on_over_tcp_did_not_fail() -> None:
    connection = unanswered()
    connection.icmp_errors = [_error()]
    assert not only(diagnose([connection, healthy(2, start=500)])).failure


def test_an_error_about_a_connection_that_was_answered_refuses_nothing() -> None:
    connection = unanswered(answered=True)
    connection.icmp_errors = [_error()]
    assert "connection-refused" not in [finding.code for finding in diagnose([connection])]


def test_a_datagram_that_was_too_large_for_a_link_was_not_refused() -> None:
    """RFC 1191: the sender is to send smaller ones."""
    connection = unanswered()
    too_big = replace(
        _error("203.0.113.1"), code=4, says="destination unreachable: fragmentation needed", mtu=1200
    )
    connection.icmp_errors = [too_big]
    assert "connection-refused" not in [finding.code for finding in diagnose([connection])]
