"""Whole connections read by the kernel, and the same followed segment by segment, give the same reports."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire import kernel, pipeline
from plainwire.conversation import whole
from plainwire.http import exchange_room
from plainwire.model import FIN, RST, SYN, Report, SecretsBlock, Side
from plainwire.pipeline import Analysis
from plainwire.report import json
from plainwire.streams import tcp_assembler
from plainwire.tls import at_once
from tests.needs import needs_kernel
from tests.streams.wire import Wire, batch
from tests.tls.crafted import ALERT, CHANGE, HANDSHAKE, Crafted, message, record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire._kernel import WholeBatch
    from plainwire.model import SegmentBatch
    from plainwire.streams.whole_connection import WholeConnection

C, S = Side.CLIENT, Side.SERVER
_Packet = tuple[int, bytes, int]  # milliseconds, captured bytes, length on the wire
GET = b"GET /a?b=1 HTTP/1.1\r\nHost: server.example\r\nAccept: */*\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: x\r\n\r\nok"
CLOSE_NOTIFY, TICKET = b"\1\0", message(4, bytes(20))
ASKED = st.sampled_from(
    [GET, GET, GET, GET, b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", GET + GET, GET[:20]]
)
ANSWERED = st.sampled_from(
    [
        *(OK, OK, OK, OK, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        *(b"HTTP/1.1 304 Not Modified\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", OK[:-1], b"", b"junk"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]
)
BEHIND = st.sampled_from(
    [
        *((CLOSE_NOTIFY, ALERT), (CLOSE_NOTIFY, ALERT), (CLOSE_NOTIFY, ALERT), None, None),
        *((b"\1\x5a", ALERT), (b"\2\x2a", ALERT), (b"", 23), (b"x", 99), (TICKET, HANDSHAKE)),
    ]
)
NAMES = bytes.fromhex("0000000a0008000005") + b"a.exa" + bytes.fromhex("00100005000302") + b"h2"


def _said(draw: st.DrawFn, suite: int) -> list[tuple[Side, bytes]]:
    """What both sides say, in turn: in TLS 1.3 or in clear."""
    messages: list[tuple[Side, bytes]] = []
    for _ in range(draw(st.integers(0, 3))):
        messages += [(C, draw(ASKED)), (S, draw(ANSWERED))]
    if draw(st.integers(0, 4)) == 0:
        return messages
    crafted = Crafted(suite)
    change = draw(st.sampled_from([b"", record(CHANGE, b"\1")]))
    chosen = draw(st.sampled_from([b"", b"", bytes.fromhex("00100005000302") + b"h2"]))
    said = [
        (C, crafted.client_hello(draw(st.sampled_from([b"", NAMES])))),
        (S, crafted.server_flight(chosen)),
    ]
    said.append((C, change + crafted.client_finished()))
    if draw(st.booleans()):
        said.append((S, crafted.server.seal(TICKET, HANDSHAKE)))
    sealers = crafted.client, crafted.server
    said += [(side, sealers[side].seal(text)) for side, text in messages]
    for side in draw(st.permutations([C, S])):
        behind = draw(BEHIND)
        if behind is not None:
            said.append((side, sealers[side].seal(*behind)))
    return said


@st.composite
def _connections(draw: st.DrawFn, port: int, suite: int) -> list[_Packet]:
    """The packets of one, mostly in order; with what may come late."""
    isn = draw(st.sampled_from([(1000, 5000), (2**32 - 9, 2**32 - 60), (7, 2**31 - 300)]))
    wire = Wire(client=("10.0.0.1", port), isn=isn).opened()
    sent = [0, 0]
    for side, data in _said(draw, suite):
        size = draw(st.sampled_from([len(data), len(data), 90])) or 1
        for at in range(0, len(data), size):
            part = data[at : at + size]
            wire.add(side, sent[side], part, ack=sent[side.peer])
            sent[side] += len(part)
        if draw(st.booleans()):
            wire.add(side.peer, sent[side.peer], ack=sent[side])
    first = draw(st.sampled_from([C, S]))
    wire.add(first, sent[first], ack=sent[first.peer], flags=FIN)
    wire.add(first.peer, sent[first.peer], ack=sent[first] + 1, flags=FIN)
    if draw(st.integers(0, 4)):
        wire.add(first, sent[first] + 1, ack=sent[first.peer] + 1)
    _add_late(draw, wire, sent, first)
    _disturb(draw, wire.packets)
    return wire.packets


def _add_late(draw: st.DrawFn, wire: Wire, sent: list[int], first: Side) -> None:
    """What may come when the connection is over."""
    mine, theirs = sent[first], sent[first.peer]
    match draw(st.sampled_from([*[""] * 3, "rst", "again", "fin", "keep-alive", "syn", "more"])):
        case "rst":
            wire.reset(first, mine + 1, ack=theirs + 1)
        case "again":
            wire.packets.append(draw(st.sampled_from(wire.packets)))
        case "fin":
            wire.add(first, mine, ack=theirs + 1, flags=FIN)
        case "keep-alive":
            wire.add(first, mine - 1, b"x", ack=theirs)
        case "syn":
            wire.isn = (wire.isn[0] + 70_000, wire.isn[1] + 90_000)
            wire.opened()
        case "more":
            wire.add(first, mine + 1, b"more", ack=theirs)


def _disturb(draw: st.DrawFn, packets: list[_Packet]) -> None:
    at = draw(st.integers(0, len(packets) - 1))
    when, data, length = packets[at]
    match draw(st.sampled_from([*[""] * 8, "lose", "move", "cut", "flag"])):
        case "lose":
            del packets[at]
        case "move":
            packets.insert(draw(st.integers(0, len(packets) - 1)), packets.pop(at))
        case "cut":
            packets[at] = when, data[: max(40, len(data) - 3)], length
        case "flag":
            flag = draw(st.sampled_from([FIN, SYN, RST]))
            packets[at] = when, data[:33] + bytes([data[33] ^ flag]) + data[34:], length


@st.composite
def _captures(draw: st.DrawFn) -> tuple[list[_Packet], list[int], dict[int, bytes]]:
    """Packets of several connections, where batches are cut, and key log lines by the batch before which they
    come.
    """
    suite = draw(st.sampled_from([0x1301, 0x1301, 0x1302, 0x1303]))
    ports = draw(st.lists(st.sampled_from([40_000, 40_001, 40_002, 40_003]), min_size=1, max_size=4))
    lanes = [draw(_connections(port, suite)) for port in ports]
    packets: list[_Packet] = []
    now = 0
    while any(lanes):
        lane = lanes[draw(st.sampled_from([n for n, lane in enumerate(lanes) if lane]))]
        count = draw(st.sampled_from([1, 3, 50, 50]))
        now += draw(st.sampled_from([0, 1, 1, 900, 9_000, 11_000, 31_000]))
        for _, data, length in lane[:count]:
            now += 1
            packets.append((now, data, length))
        del lane[:count]
    cuts = draw(st.lists(st.integers(1, len(packets)), max_size=3))
    lines = Crafted(suite).key_log(without=draw(st.sampled_from(["", "", "", "SERVER_TRAFFIC_SECRET_0"])))
    wrong = Crafted(suite).key_log().replace(b"04" * 32, b"05" * 32)
    keys = draw(st.sampled_from([{0: lines}, {0: lines}, {0: lines}, {0: wrong}, {1: lines}]))
    return packets, cuts, keys


def _analysed(packets: Sequence[_Packet], cuts: Sequence[int], keys: dict[int, bytes]) -> Report:
    analysis = Analysis()
    for number, (first, last) in enumerate(pairwise(sorted({0, len(packets), *cuts}))):
        if number in keys:
            analysis.feed(SecretsBlock(keys[number]))
        analysis.feed(batch(packets[first:last], first + 1))
    return analysis.close()


def _by_python(packets: Sequence[_Packet], cuts: Sequence[int], keys: dict[int, bytes]) -> Report:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(kernel, "compiled", None)
        monkeypatch.setattr(at_once, "_read", None)
        return _analysed(packets, cuts, keys)


def _followed(packets: Sequence[_Packet], cuts: Sequence[int], keys: dict[int, bytes]) -> Report:
    """Nothing is read at once."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(pipeline, "whole_reading", lambda *_: None)
        return _analysed(packets, cuts, keys)


def _told(report: Report) -> list[Any]:
    """All that a report has of connections, and itself."""
    told: list[Any] = [json.encode(report), report.coverage]
    for connection in report.connections:
        kept = connection.segments
        assert kept is not None
        columns = (kept.number, kept.time_ns, kept.side, kept.seq, kept.ack, kept.length, kept.flags)
        more = (kept.window, kept.ttl, kept.ip_id)
        fields = {name: getattr(connection, name) for name in connection.__struct_fields__}
        told.append(fields | {"segments": [column.tolist() for column in (*columns, *more)]})
    return told


@pytest.fixture(autouse=True)
def _kernel() -> None:
    needs_kernel()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[WholeConnection]:
    """The connections that are read at once."""
    found: list[WholeConnection] = []
    take = whole.WholeReading.take

    def noted(
        self: whole.WholeReading, read: WholeBatch, number: int, identity: int, batch: SegmentBatch
    ) -> WholeConnection | None:
        made = take(self, read, number, identity, batch)
        if made is not None:
            found.append(made)
        return made

    monkeypatch.setattr(whole.WholeReading, "take", noted)
    return found


@settings(max_examples=60, deadline=None)
@given(_captures())
def test_reports_are_the_same(capture: tuple[list[_Packet], list[int], dict[int, bytes]]) -> None:
    assert _told(_analysed(*capture)) == _told(_followed(*capture))


def _plain(port: int = 40_000, *, clear: bool = False, exchanges: int = 2) -> Wire:
    crafted = Crafted()
    wire = Wire(client=("10.0.0.1", port)).opened()
    said = [(C, crafted.client_hello(NAMES)), (S, crafted.server_flight()), (C, crafted.client_finished())]
    for _ in range(exchanges):
        said += [(C, crafted.client.seal(GET)), (S, crafted.server.seal(OK))]
    said += [(C, crafted.client.seal(CLOSE_NOTIFY, ALERT)), (S, crafted.server.seal(CLOSE_NOTIFY, ALERT))]
    sent = [0, 0]
    for side, data in [(C, GET), (S, OK)] if clear else said:
        wire.add(side, sent[side], data, ack=sent[side.peer])
        sent[side] += len(data)
    return wire.closed(*sent)


KEYS = {0: Crafted().key_log()}


@pytest.mark.parametrize("carried", ["TLS", "clear"])
def test_plain_connections_are_read_at_once(carried: str, read: list[WholeConnection]) -> None:
    clear = carried == "clear"
    packets = _plain(clear=clear).packets + _plain(40_001, clear=clear).packets
    report = _analysed(packets, [], KEYS)
    assert [connection.is_whole for connection in read] == [True, True]
    assert [exchange.outcome for exchange in report.exchanges] == ["complete"] * (2 if clear else 4)
    assert _told(report) == _told(_by_python(packets, [], KEYS))


def test_many_are_read_by_several_threads(read: list[WholeConnection]) -> None:
    packets = [packet for port in range(300) for packet in _plain(40_000 + port, exchanges=1).packets]
    report = _analysed(packets, [], KEYS)
    assert len(read) == len(report.exchanges) == 300
    assert _told(report) == _told(_by_python(packets, [], KEYS))


@pytest.mark.parametrize("pause", [5_000, 11_000])
@pytest.mark.parametrize("late", ["rst", "same ports"])
def test_what_comes_late_is_taken_by_what_follows(pause: int, late: str, read: list[WholeConnection]) -> None:
    packets = _plain().packets
    end = len(packets)
    more = Wire(client=("10.0.0.1", 40_000), isn=(90_000, 95_000)) if late == "same ports" else Wire()
    more.ends = (("10.0.0.1", 40_000), more.ends[1])
    more = more.opened() if late == "same ports" else more.reset(C, 1_000)
    packets += [(packets[-1][0] + pause + when, data, length) for when, data, length in more.packets]
    report = _analysed(packets, [end], KEYS)
    assert [connection.is_whole for connection in read] == [pause > 10_000]
    assert _told(report) == _told(_by_python(packets, [end], KEYS))


@pytest.mark.parametrize("room", [1_000, 2_500, 5_000, 9_000, 30_000])
def test_room_for_exchanges_is_shared_as_always(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    init = exchange_room.ExchangeRoom.__init__
    monkeypatch.setattr(exchange_room.ExchangeRoom, "__init__", lambda self: init(self, room))
    packets = [packet for port in range(4) for packet in _plain(40_000 + port).packets]
    late = packets[-1][0] + 20, packets[0][1], packets[0][2]
    cuts = [len(packets) // 2, len(packets)]
    assert _told(_analysed([*packets, late], cuts, KEYS)) == _told(_by_python([*packets, late], cuts, KEYS))


def test_of_too_many_that_are_open_the_ended_ones_go_first(
    monkeypatch: pytest.MonkeyPatch, read: list[WholeConnection]
) -> None:
    monkeypatch.setattr(tcp_assembler, "MOST_OPEN", 4)
    packets = [packet for port in range(9) for packet in _plain(40_000 + port).packets]
    half = Wire(client=("10.0.0.1", 39_000)).opened().packets
    report = _analysed(half + packets, [], KEYS)
    assert len(read) == 9
    assert _told(report) == _told(_by_python(half + packets, [], KEYS))


def test_little_is_held_of_what_was_said(
    monkeypatch: pytest.MonkeyPatch, read: list[WholeConnection]
) -> None:
    """What is held for late segments has a limit; beyond it connections are followed as always."""
    monkeypatch.setattr(tcp_assembler, "MOST_HELD", 5_000)
    packets = [packet for port in range(9) for packet in _plain(40_000 + port).packets]
    report = _analysed(packets, [], KEYS)
    assert 2 <= len(read) <= 6
    assert len(report.exchanges) == 18
    assert _told(report) == _told(_by_python(packets, [], KEYS))
