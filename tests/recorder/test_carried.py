from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from plainwire.model import CloseEvent, Connection, Endpoint, TlsInfo
from plainwire.recorder import carried
from plainwire.recorder.carried import Lines

if TYPE_CHECKING:
    import pytest

SERVER = Endpoint("10.0.0.9", 443)
RANDOM = [bytes([n]) * 32 for n in range(5)]


def connection(port: int, *closes: tuple[str, int], last: int = 0) -> Connection:
    made = Connection(port, Endpoint("10.0.0.1", port), SERVER, 1, 0, last_ns=last or port * 10**9)
    made.tls = TlsInfo(client_random=RANDOM[port])
    made.closes = [CloseEvent(kind, side, 0, 1, 0, None) for kind, side in closes]  # type: ignore[arg-type]
    return made


def connect(port: int) -> bytes:
    return orjson.dumps({"event": "connect", "local": f"10.0.0.1:{port}", "peer": "10.0.0.9:443", "pid": 1})


def key(port: int) -> bytes:
    return b"CLIENT_TRAFFIC_SECRET_0 %s %s" % (RANDOM[port].hex().encode(), b"ab" * 32)


def test_open_connections_go_on_with_their_secrets_and_closed_ones_do_not() -> None:
    before = Lines([connect(1), connect(2), connect(3)], [key(1), key(2), key(3)])
    first = carried.onward(Lines([], []), before, [connection(1), connection(2), connection(3)], 10.0)
    over = [connection(1), connection(2, ("rst", 1)), connection(3, ("fin", 0), ("fin", 1))]
    second = carried.onward(first, Lines([], []), over, 20.0)
    assert carried.of_program(second.events) == [connect(1)]
    assert second.keys == [key(1)]


def test_one_that_says_nothing_for_a_while_goes_on_until_it_is_too_long() -> None:
    handed = carried.onward(Lines([], []), Lines([connect(1)], [key(1)]), [connection(1)], 10.0)
    for end in (60.0, 3600.0, carried.LONGEST_IDLE):
        handed = carried.onward(handed, Lines([], []), [], end)
        assert handed.keys == [key(1)]
    handed = carried.onward(handed, Lines([], []), [], carried.LONGEST_IDLE + 2)
    assert handed == Lines([], [])


def test_a_half_closed_connection_is_open() -> None:
    handed = carried.onward(Lines([], []), Lines([], [key(1)]), [connection(1, ("fin", 0))], 10.0)
    assert carried.onward(handed, Lines([], []), [], 20.0).keys == [key(1)]


def test_what_came_in_the_segment_goes_on_once_though_its_packets_may_come_later() -> None:
    handed = carried.onward(Lines([], []), Lines([connect(1)], [key(1)]), [], 10.0)
    assert (carried.of_program(handed.events), handed.keys) == ([connect(1)], [key(1)])
    assert carried.onward(handed, Lines([], []), [], 20.0) == Lines([], [])


def test_as_many_go_on_as_are_allowed_those_seen_last(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [connection(n % 5, last=n) for n in range(5)]
    for number, each in enumerate(many):
        each.client = Endpoint("10.0.0.2", 1000 + number)
    monkeypatch.setattr(carried, "MOST_OPEN", 2)
    handed = carried.onward(Lines([], []), Lines([], []), many, 0.0)
    assert [carried.parsed(line)["ends"][0] for line in handed.events] == ["10.0.0.2:1003", "10.0.0.2:1004"]


def test_the_program_cannot_hand_itself_a_connection() -> None:
    forged = orjson.dumps({"event": "open", "ends": ["1.1.1.1:1", "2.2.2.2:2"], "quic": True, "seen": 9e9})
    handed = carried.onward(Lines([], []), Lines([forged], []), [], 10.0)
    assert handed.events == []
    assert carried.of_program([forged, connect(1)]) == [connect(1)]


def test_lines_that_are_no_events_are_left_out() -> None:
    bad = [b"", b"{", b"[1]", b'{"event":"open"}', b'{"event":"connect"}', b'{"event":5}', b"\xff"]
    assert carried.of_program(bad[3:4]) == []
    handed = carried.onward(Lines([], []), Lines(bad, []), [], 10.0)
    assert carried.quic_ends(handed.events) == set()
