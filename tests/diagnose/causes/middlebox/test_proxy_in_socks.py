"""Tunnels that did not come about in SOCKS: refused, not answered, or left by the client."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Finding, Gap, Side, Tunnel
from plainwire.model.connection import UNANSWERED
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, SERVER, only


def _asked(why: str, *, answered: bool = True, side: Side = CLIENT, at: float = 3100) -> Connection:
    opening = Opening().syn(0).accept()
    opening.segment(CLIENT, 81, length=4)
    opening.segment(SERVER, 90, ack=4, length=2 if answered else 0)
    opening.close(side, "fin", at, seq=4 if side == CLIENT else 2)
    connection = opening.done()
    connection.tls = None
    connection.tunnels.append(Tunnel("SOCKS 5", "", 4, why))
    return connection


def _found(connection: Connection) -> Finding:
    finding = only(diagnose([connection]))
    assert finding.code == "proxy-connect-failure"
    return finding


@pytest.mark.parametrize(
    ("why", "fault", "advice"),
    [
        ("the proxy refused: host unreachable", "path", "no way to the server"),
        ("the proxy refused: connection refused", "path", "as the proxy sees them"),
        ("the proxy refused: not allowed by the rules", "path", "Repeating does not help"),
        ("the proxy refused: general failure", "path", "can reach the server"),
        ("the proxy refused: code 91", "path", "can reach the server"),
        ("the proxy did not accept the password", "client", "the password"),
        ("the proxy accepts no method of authentication", "client", "a user and a password"),
        ("the proxy refused: address type not supported", "client", "socks5h"),
    ],
)
def test_the_reply_of_the_proxy_is_told_with_what_to_do(why: str, fault: str, advice: str) -> None:
    finding = _found(_asked(why, side=SERVER, at=100))
    assert (finding.fault, finding.certainty) == (fault, "likely")
    assert why in finding.claim
    assert advice in finding.advice_client


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize(("side", "fault"), [(CLIENT, "unknown"), (SERVER, "path")])
def test_a_proxy_that_does_not_answer(side: Side, fault: str, *, answered: bool) -> None:
    finding = _found(_asked(UNANSWERED, answered=answered, side=side))
    assert (finding.fault, finding.certainty) == (fault, "likely")
    assert ("then the client gave up" in finding.claim) is (side == CLIENT)


def test_a_client_that_leaves_at_once_is_not_made_to_wait() -> None:
    """One that wants to give a password, at a proxy that wants none."""
    finding = _found(_asked(UNANSWERED, at=91))
    assert (finding.fault, finding.certainty) == ("client", "possible")
    assert [f.code for f in diagnose([_asked(UNANSWERED, answered=False, at=91)])] != [
        "proxy-connect-failure"
    ]


def test_what_a_capture_lost_or_ended_before_is_no_silence_of_the_proxy() -> None:
    holed, ended = _asked(UNANSWERED), _asked(UNANSWERED)
    holed.gaps.append(Gap(SERVER, 2, 10, 5))
    ended.closes.clear()
    assert diagnose([holed]) == diagnose([ended]) == []
