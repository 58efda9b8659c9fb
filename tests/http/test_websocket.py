"""WebSockets, as wsproto writes them: frames, messages, sizes and close codes, however they are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

from plainwire.http.budget import Budget
from plainwire.http.reading import Reading
from plainwire.http.websocket import WebSocketReader
from plainwire.model import Connection, Endpoint, Exchange, Gap, Response, Side, WebSocket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsproto.events import Event

    from plainwire.model import Text

CLIENT, SERVER = Side.CLIENT, Side.SERVER
SECOND = 1_000_000_000


class Where:
    """Byte n stands in packet n."""

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        return offsets, offsets

    def begins(self, offset: int) -> bool:
        return offset >= 0


def spoken(events: Sequence[tuple[Side, Event]], *, deflate: bool = False) -> tuple[str, list[bytes]]:
    """What wsproto puts on the wire, by side, behind the handshake; and the extensions it agreed on."""
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    offered = [PerMessageDeflate()] if deflate else []
    server.receive_data(client.send(Request(host="a.example", target="/", extensions=offered)))
    list(server.events())
    answer = server.send(AcceptConnection(extensions=[PerMessageDeflate()] if deflate else []))
    client.receive_data(answer)
    list(client.events())
    wire = [b"", b""]
    for side, event in events:
        wire[side] += (client, server)[side].send(event)
    head = answer.decode().lower()
    names = [
        line.split(":", 1)[1].strip() for line in head.split("\r\n") if line.startswith("sec-websocket-ext")
    ]
    return (names or [""])[0], wire


def read(
    extensions: str,
    wire: list[bytes],
    *,
    step: int = 1 << 20,
    hole: Gap | None = None,
    reading: Reading | None = None,
) -> WebSocket:
    response = Response(101, "", "HTTP/1.1", [("Sec-WebSocket-Extensions", extensions)], 0, 0)
    exchange = Exchange(1, 1, 1, None, response, "complete")
    reader = WebSocketReader(exchange, Budget(), reading or Reading())
    for side in Side:
        for at in range(0, len(wire[side]), step):
            part = wire[side][at : at + step]
            text: Text = (part, at, at + len(part))
            reader.feed(*(([text], []) if side == CLIENT else ([], [text])), (Where(), Where()))
        if hole is not None and hole.side == side:
            reader.feed(*(([hole], []) if side == CLIENT else ([], [hole])), (Where(), Where()))
    return reader.facts


@pytest.mark.parametrize("deflate", [False, True])
def test_whole_messages_are_kept_where_bodies_are(deflate: bool) -> None:  # noqa: FBT001 - a parameter
    said: list[tuple[Side, Event]] = [
        (CLIENT, TextMessage("hel", message_finished=False)),
        (CLIENT, TextMessage("lo")),
        (SERVER, BytesMessage(b"\x00\x01" * 50)),
        (SERVER, TextMessage("")),
        (SERVER, Ping(b"p")),
    ]
    extensions, wire = spoken(said, deflate=deflate)
    whole = [(CLIENT, 1, b"hello"), (SERVER, 2, b"\x00\x01" * 50), (SERVER, 1, b"")]
    facts = read(extensions, wire, step=7, reading=Reading(keep_bodies=True))
    assert [(m.side, m.opcode, m.data) for m in facts.kept] == whole
    assert "hello" not in repr(facts)
    assert not read(extensions, wire, reading=Reading()).kept


def test_a_message_with_a_hole_is_not_kept() -> None:
    _, wire = spoken([(CLIENT, TextMessage("hello"))])
    wire[0] = wire[0][:-2]
    hole = Gap(CLIENT, len(wire[0]), 2, 1)
    facts = read("", wire, hole=hole, reading=Reading(keep_bodies=True))
    assert facts.messages == [1, 0]
    assert not facts.kept


def talked(*events: tuple[Side, Event]) -> WebSocket:
    """The same with one packet, and one second, for each event: numbered from 1, in order."""
    ends = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    ends[SERVER].receive_data(ends[CLIENT].send(Request(host="a.example", target="/")))
    list(ends[SERVER].events())
    ends[CLIENT].receive_data(ends[SERVER].send(AcceptConnection()))
    list(ends[CLIENT].events())
    exchange = Exchange(1, 1, 1, None, Response(101, "", "HTTP/1.1", [], 0, 0), "complete")
    reader = WebSocketReader(exchange, Budget(), Reading())
    sent = [0, 0]
    packets: tuple[dict[int, int], dict[int, int]] = ({}, {})
    texts: tuple[list[Text | Gap], list[Text | Gap]] = ([], [])
    for packet, (side, event) in enumerate(events, 1):
        data = ends[side].send(event)
        packets[side].update(dict.fromkeys(range(sent[side], sent[side] + len(data)), packet))
        texts[side].append((data, sent[side], sent[side] + len(data)))
        sent[side] += len(data)
    where = Seconds(packets[CLIENT]), Seconds(packets[SERVER])
    reader.feed(texts[CLIENT], texts[SERVER], where)  # all of one side, then all of the other
    reader.close(Connection(1, Endpoint("a", 1), Endpoint("b", 2), 1, 0), where)
    return reader.facts


class Seconds:
    """Packet n comes n seconds after the epoch."""

    def __init__(self, packets: dict[int, int]) -> None:
        self._packets = packets

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        found = [self._packets[offset] for offset in offsets]
        return found, [packet * SECOND for packet in found]

    def begins(self, offset: int) -> bool:
        return offset >= 0


def test_a_close_frame_has_its_code_reason_and_packet() -> None:
    facts = talked(
        (SERVER, TextMessage("hello")),
        (SERVER, CloseConnection(code=1008, reason="token expired")),
        (CLIENT, CloseConnection(code=1008)),
    )
    mine, theirs = facts.closes
    assert mine
    assert theirs
    assert (theirs.code, theirs.reason) == (1008, "token expired")
    assert (theirs.packet, theirs.time_ns) == (2, 2 * SECOND)
    assert (mine.code, mine.reason, mine.packet) == (1008, "", 3)


def test_a_ping_has_the_pong_that_answers_it_however_late() -> None:
    facts = talked(
        (SERVER, Ping(b"one")),
        (CLIENT, Pong(b"one")),
        (SERVER, Ping(b"two")),
        (SERVER, TextMessage("x")),
        (CLIENT, Pong(b"two")),
        (SERVER, Ping(b"three")),
    )
    assert [(p.side, p.packet, p.pong_packet) for p in facts.pings] == [
        (SERVER, 1, 2),
        (SERVER, 3, 5),
        (SERVER, 6, None),
    ]


def test_one_pong_may_answer_several_pings_and_answers_none_that_came_after_it() -> None:
    facts = talked((CLIENT, Ping(b"")), (CLIENT, Ping(b"")), (SERVER, Pong(b"")), (CLIENT, Ping(b"")))
    assert [(p.packet, p.pong_packet) for p in facts.pings] == [(1, 3), (2, 3), (4, None)]


def test_a_pong_that_nobody_asked_for_answers_nothing() -> None:
    facts = talked((CLIENT, Ping(b"mine")), (SERVER, Pong(b"another")))
    assert [p.pong_packet for p in facts.pings] == [None]


def test_the_longest_pause_is_between_frames_of_either_side() -> None:
    facts = talked((CLIENT, TextMessage("a")), (SERVER, TextMessage("b")), (CLIENT, TextMessage("c")))
    assert facts.longest_pause_ns == SECOND
    last = facts.last
    assert [frame and frame.packet for frame in last] == [3, 2]
    assert facts.largest == [1, 1]


TALK: list[tuple[Side, Event]] = [
    (CLIENT, TextMessage("hello " * 100)),
    (SERVER, BytesMessage(bytes(70_000))),
    (CLIENT, Ping(b"are you there")),
    (SERVER, TextMessage("first, ", message_finished=False)),
    (SERVER, TextMessage("and last")),
    (CLIENT, CloseConnection(code=1001, reason="going away")),
    (SERVER, CloseConnection(code=1000)),
]


@pytest.mark.parametrize("step", [1, 3, 1 << 20])
@pytest.mark.parametrize("deflate", [False, True])
def test_messages_are_counted_and_measured_however_they_are_cut(*, deflate: bool, step: int) -> None:
    extensions, wire = spoken(TALK, deflate=deflate)
    found = read(extensions, wire, step=step)
    assert found.compressed == deflate
    assert [(f.side, f.opcode, f.fin, f.masked) for f in sorted(found.frames, key=lambda f: f.side)] == [
        (CLIENT, 1, True, True),
        (CLIENT, 9, True, True),
        (CLIENT, 8, True, True),
        (SERVER, 2, True, False),
        (SERVER, 1, False, False),
        (SERVER, 0, True, False),
        (SERVER, 8, True, False),
    ]
    assert (found.messages, found.sizes) == ([1, 2], [600, 70_015])
    assert (found.close_codes, found.defects) == ([1001, 1000], [])


def test_a_frame_names_the_packet_of_its_first_byte() -> None:
    _, wire = spoken(TALK[:1])
    found = read("", [wire[0] * 2, b""])
    assert [f.packet for f in found.frames] == [0, len(wire[0])]


def test_frames_are_in_the_order_of_the_packets_however_the_directions_are_fed() -> None:
    _, wire = spoken(TALK)
    found = read("", wire)
    assert [f.packet for f in found.frames] == sorted(f.packet for f in found.frames)
    assert {f.side for f in found.frames[:2]} == {CLIENT, SERVER}


def test_a_corrupt_compressed_message_is_named_and_the_next_is_read() -> None:
    _, wire = spoken([(SERVER, TextMessage("x"))])
    broken = b"\xc1\x03\xff\xff\xff"
    found = read("permessage-deflate", [b"", broken + wire[1]])
    assert found.counts == [0, 2]
    assert any("corrupt" in defect for defect in found.defects)


def test_a_hole_inside_a_payload_is_bridged_and_one_elsewhere_ends_the_reading() -> None:
    found = read("", [b"", b"\x82\x05ab"], hole=Gap(SERVER, 4, 3, 9))
    assert (found.messages, len(found.defects)) == ([0, 1], 1)
    found = read("", [b"", b"\x82\x05ab"], hole=Gap(SERVER, 4, 30, 9))
    assert found.messages == [0, 0]
    assert found.defects == ["bytes of the server are missing from the capture"]


def test_what_breaks_the_protocol_is_named() -> None:
    assert read("", [b"\x81\x01x", b""]).defects == [
        "the client does not mask a frame (RFC 6455 section 5.1)"
    ]
    assert read("", [b"", b"\x80\x01x"]).defects == ["fragments out of order (RFC 6455 section 5.4)"]
    assert read("", [b"", b"\x83\x00"]).defects == ["no WebSocket frame where one of the server should begin"]


@given(st.lists(st.binary(max_size=60), max_size=6), st.booleans())
def test_junk_never_raises_and_pieces_do_not_matter(parts: list[bytes], deflate: bool) -> None:  # noqa: FBT001
    whole = b"".join(parts)
    extensions = "permessage-deflate" if deflate else ""
    at_once, by_byte = read(extensions, [whole, whole]), read(extensions, [whole, whole], step=1)
    assert (at_once.frames, at_once.sizes, at_once.close_codes) == (
        by_byte.frames,
        by_byte.sizes,
        by_byte.close_codes,
    )
    assert at_once.counts == by_byte.counts


def test_whoever_broke_the_protocol_is_told_apart_from_what_the_capture_lacks() -> None:
    assert read("", [b"\x81\x01x", b""]).violations == [1, 0]
    assert read("", [b"", b"\x81\x82\x01\x02\x03\x04ab"]).violations == [0, 1]
    assert read("", [b"", b"\x82\x05ab"], hole=Gap(SERVER, 4, 30, 9)).violations == [0, 0]


@pytest.mark.parametrize(
    ("extensions", "first", "broken"),
    [
        ("", 0xC1, 1),
        ("permessage-deflate", 0xA1, 1),
        ("permessage-deflate", 0xC9, 1),
        ("x-of-its-own", 0xF1, 0),
        ("", 0x81, 0),
    ],
)
def test_reserved_bits_that_nothing_agreed_on_break_the_protocol(
    extensions: str, first: int, broken: int
) -> None:
    assert read(extensions, [b"", bytes((first, 2)) + b"ab"]).violations[SERVER] == broken
