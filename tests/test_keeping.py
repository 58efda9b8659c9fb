"""A report keeps every connection, unless there are too many: then it says what it counted only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plainwire import keeping, kernel, pipeline
from plainwire.keeping import Kept, count_alike
from plainwire.model import CloseEvent, Endpoint, Exchange, Request, Response, Side
from tests.builders.captures import pcap
from tests.builders.packets import SERVER, SYN, packet
from tests.diagnose.wire import Wire
from tests.needs import needs_kernel

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Connection

ROOM = 100_000


def _healthy() -> Connection:
    wire = Wire()
    wire.ok(0)
    return wire.done()


def _reset() -> Connection:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(Side.SERVER, "rst", 580)
    return wire.done("unanswered")


def test_a_few_connections_are_all_kept_and_nothing_is_said() -> None:
    kept = Kept()
    for connection in (_healthy(), _reset()):
        kept.add(connection)
    assert (len(kept.connections), kept.notes()) == (2, [])


def test_however_many_nothing_failed_in_there_is_room_for_the_others() -> None:
    kept = Kept(ROOM, ROOM // 2)
    for _ in range(100):
        kept.add(_healthy())
    kept.add(_reset())
    assert kept.connections[-1].exchanges[-1].outcome == "unanswered"
    (note,) = kept.notes()
    left_out = kept.healthy[0]
    assert note.endswith(f": {left_out} more connections with {left_out} exchanges, in which nothing failed")
    assert kept.healthy[0] + len(kept.connections) == 101


def test_failures_beyond_all_room_are_counted_as_such() -> None:
    kept = Kept(ROOM, ROOM // 2)
    for _ in range(100):
        kept.add(_reset())
    (note,) = kept.notes()
    assert "in which something may have failed" in note
    assert kept.others[0] + len(kept.connections) == 100


def test_a_broken_connection_is_not_counted_among_the_healthy() -> None:
    kept = Kept(ROOM, 0)
    connection = _healthy()
    connection.closes.append(CloseEvent("rst", Side.SERVER, 0, 1, 0, None))
    kept.add(connection)
    assert kept.connections == [connection]


def test_of_one_connection_with_very_many_exchanges_the_first_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("plainwire.keeping._FEWEST_CUT", 10)
    wire = Wire()
    for number in range(60):
        wire.ok(number)
    kept, connection = Kept(ROOM), wire.done()
    left_out = kept.add(connection)
    assert len(connection.exchanges) + len(left_out) == 60
    assert 10 < len(connection.exchanges) < 30
    assert (kept.connections, kept.notes()) == ([connection], [])
    (unread,) = connection.undecrypted
    assert left_out[0].request is not None
    assert unread.packet == left_out[0].request.packet


def test_attempts_that_are_only_counted_are_told_at_the_last_one_of_their_kind() -> None:
    silent, refused = (Wire().done() for _ in range(2))
    silent.established = refused.established = False
    refused.closes.append(CloseEvent("rst", Side.SERVER, 0, 1, 0, None))
    endpoints = [silent.server, Endpoint("192.0.2.200", 80)]
    counted = {(0, False): 900, (0, True): 5, (1, True): 3, (-1, True): 2}
    notes = count_alike([silent, refused], counted, endpoints)
    assert (silent.alike, refused.alike) == (900, 5)
    said = "attempts to connect, like others in the report"
    assert notes == [
        f"only counted: 900 more unanswered {said} ({silent.server}: 900)",
        f"only counted: 10 more refused {said} ({silent.server}: 5; 192.0.2.200:80: 3; others: 2)",
    ]


def test_a_flood_of_attempts_is_told_with_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plainwire.streams.attempts.MOST_KEPT", 20)
    flood = [packet(("10.0.0.1", 1024 + n), SERVER, n, flags=SYN) for n in range(500)]
    (tmp_path / "flood.pcap").write_bytes(pcap(flood))
    report = pipeline.analyze([tmp_path / "flood.pcap"])
    assert len(report.connections) == 20
    assert sum(1 + connection.alike for connection in report.connections) == 500
    (note,) = report.coverage.notes
    assert note.startswith("only counted: 480 more unanswered attempts to connect")


_MESSAGES = {
    "headers": st.lists(st.just(("a", "b")), max_size=3),
    "trailers": st.lists(st.just(("a", "b")), max_size=1),
    "defects": st.sampled_from([[], [], [], ["odd"]]),
    "body": st.sampled_from([None, b"", b"body"]),
}
_REQUESTS = st.builds(
    lambda **rest: Request("GET", "/", "HTTP/1.1", start=0, end=0, **rest),
    **_MESSAGES,
)
_RESPONSES = st.builds(
    lambda status, **rest: Response(status, "", "HTTP/1.1", start=0, end=0, **rest),
    st.sampled_from([200, 200, 0, 399, 400, 503]),
    **_MESSAGES,
)
_EXCHANGES = st.builds(
    lambda request, response, outcome, interim: Exchange(
        0, 0, 1, request, response, outcome, interim=interim
    ),
    st.one_of(_REQUESTS, _REQUESTS, st.none()),
    st.one_of(_RESPONSES, _RESPONSES, st.none()),
    st.sampled_from(["complete", "complete", "truncated"]),
    interim=st.lists(_RESPONSES, max_size=1),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_EXCHANGES, max_size=4))
def test_the_kernel_weighs_exchanges_as_python_does(exchanges: list[Exchange]) -> None:
    needs_kernel()
    weighed = keeping._burden(exchanges)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "compiled", None)
        assert keeping._burden(exchanges) == weighed
