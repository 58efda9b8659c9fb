"""No answer over UDP, while TCP works."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, ProgramConnection, TlsInfo
from tests.diagnose.causes.quic.quic_connections import ELSEWHERE, unanswered
from tests.diagnose.opening import healthy
from tests.diagnose.wire import only


@pytest.mark.parametrize("start", [-500, 3000])
def test_initials_without_an_answer_while_tcp_works(start: float) -> None:
    finding = only(diagnose([unanswered(), healthy(2, start=start)]))
    assert (finding.code, finding.fault, finding.certainty) == ("quic-udp-blocked", "unknown", "possible")
    assert not finding.failure
    assert {1, 4} < set(finding.packets)


@pytest.mark.parametrize(
    "connection",
    [
        unanswered(answered=True),
        unanswered(mid_stream=True),
        unanswered(packets=1),
        unanswered(server=ELSEWHERE),
    ],
)
def test_what_may_be_something_else_is_left_alone(connection: Connection) -> None:
    assert diagnose([connection, healthy(2, start=3000)]) == []


def test_without_tcp_to_compare_with_nothing_is_said_of_what_may_be_captured_in_one_direction() -> None:
    assert diagnose([unanswered()]) == []
    watched = unanswered()
    watched.program = ProgramConnection(1, 1, "curl", None, None)
    finding = only(diagnose([watched]))
    assert (finding.code, finding.fault, finding.certainty) == ("quic-udp-blocked", "unknown", "possible")


def test_the_same_name_at_another_address_is_the_same_server() -> None:
    udp, tcp = unanswered(server=ELSEWHERE), healthy(2, start=3000)
    udp.tls = tcp.tls = TlsInfo(server_name="storage.example")
    assert only(diagnose([udp, tcp])).code == "quic-udp-blocked"
