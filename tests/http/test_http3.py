"""HTTP/3 connections: streams as QUIC hands them over, with field sections that ls-qpack encoded."""

from __future__ import annotations

from dataclasses import dataclass, field

import pylsqpack
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire.http.exchange_room import TOO_MANY
from plainwire.http.hpack import UNKNOWN
from plainwire.http.http3 import Http3
from plainwire.http.http3_frames import varint
from plainwire.http.reading import Reading
from plainwire.model import CloseEvent, Connection, Endpoint, Exchange, Gap, Side, StreamEvent, Text
from plainwire.quic.reassembly import StreamPositions
from tests.http.talk import CLIENT, SECOND, SERVER, told

ASK = [(":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", "/")]
OK = [(":status", "200"), ("content-type", "text/plain")]
DATA, HEADERS, SETTINGS, PUSH_PROMISE, GOAWAY = 0, 1, 4, 5, 7
CONTROL, PUSH, ENCODER = 0, 1, 2


def number(value: int) -> bytes:
    """RFC 9000 section 16."""
    size = next(n for n in (1, 2, 4, 8) if value < 1 << (8 * n - 2))
    return (value | ({1: 0, 2: 1, 4: 2, 8: 3}[size] << (8 * size - 2))).to_bytes(size)


def frame(kind: int, payload: bytes = b"") -> bytes:
    """RFC 9114 section 7.1."""
    return number(kind) + number(len(payload)) + payload


@dataclass
class Piece:
    """What one packet brings of one stream; ``data`` as a number is a hole of that length."""

    stream: int
    side: Side
    data: bytes | int
    fin: bool = False
    reset: int | None = None


@dataclass
class Streams:
    """A connection in the making. Packet n comes n seconds after the epoch."""

    pieces: list[Piece] = field(default_factory=list)
    events: list[StreamEvent] = field(default_factory=list)
    closes: list[CloseEvent] = field(default_factory=list)
    capacity: int = 4096

    def __post_init__(self) -> None:
        self.encoders = pylsqpack.Encoder(), pylsqpack.Encoder()
        for encoder in self.encoders:
            encoder.apply_settings(self.capacity, 16)

    def open(self) -> Streams:
        """Both sides' control and encoder streams."""
        said = frame(SETTINGS, number(1) + number(self.capacity) + number(7) + number(16))
        for side in Side:
            self.send(2 + side, side, number(CONTROL) + said)
            self.send(6 + side, side, number(ENCODER))
        return self

    def send(self, stream: int, side: Side, data: bytes | int, *, fin: bool = False) -> Streams:
        self.pieces.append(Piece(stream, side, data, fin))
        return self

    def section(self, stream: int, side: Side, fields: list[tuple[str, str]]) -> tuple[bytes, bytes]:
        """Instructions for the encoder's stream, and the field section."""
        pairs = [(name.encode(), value.encode()) for name, value in fields]
        return self.encoders[side].encode(stream, pairs)

    def message(
        self, stream: int, side: Side, fields: list[tuple[str, str]], body: bytes = b"", *, fin: bool = True
    ) -> Streams:
        """A message, its insertions ahead of it."""
        instructions, section = self.section(stream, side, fields)
        if instructions:
            self.send(6 + side, side, instructions)
        return self.send(
            stream, side, frame(HEADERS, section) + (frame(DATA, body) if body else b""), fin=fin
        )

    def tell(self, kind: str, stream: int, side: Side, code: int, name: str) -> Streams:
        """A frame of QUIC's that gives a stream up."""
        at = len(self.pieces) + 1
        self.events.append(StreamEvent(kind, side, at * SECOND, at, stream, code, name))
        return self

    def close(self, side: Side) -> Streams:
        at = len(self.pieces) + 1
        self.closes.append(CloseEvent("connection_close", side, at * SECOND, at, 0, None))
        return self

    def read(self) -> tuple[list[Exchange], Connection, Http3]:
        http = Http3(Reading(keep_bodies=True))
        wheres: dict[tuple[int, Side], Where] = {}
        over: set[tuple[int, Side]] = set()
        for packet, piece in enumerate(self.pieces, 1):
            key = piece.stream, piece.side
            if key in over:
                continue
            where = wheres.setdefault(key, Where())
            item = where.add(piece, packet)
            if piece.fin or piece.reset is not None:
                over.add(key)
            http.feed(*key, [item] if item else [], fin=piece.fin, reset_code=piece.reset, where=where)
        facts = Connection(1, Endpoint("192.0.2.1", 5000), Endpoint("192.0.2.2", 443), 1, 0, transport="quic")
        facts.events, facts.closes = list(self.events), self.closes
        return http.close(facts), facts, http

    def exchanges(self) -> list[Exchange]:
        return self.read()[0]


class Where:
    """The way back from the offsets of one side of one stream."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []
        self._end = 0

    def add(self, piece: Piece, packet: int) -> Text | Gap | None:
        start = self._end
        self._runs.append((start, packet))
        self._end += piece.data if isinstance(piece.data, int) else len(piece.data)
        if isinstance(piece.data, int):
            return Gap(piece.side, start, piece.data, packet) if piece.data else None
        return (piece.data, start, self._end) if piece.data else None

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        found = [max((p for start, p in self._runs if start <= o), default=0) for o in offsets]
        return found, [packet * SECOND for packet in found]

    def begins(self, offset: int) -> bool:
        return any(start == offset for start, _ in self._runs)


def _exchange() -> Streams:
    streams = Streams().open()
    streams.message(0, CLIENT, [*ASK, ("x-id", "1")], b"a body")
    return streams.message(0, SERVER, OK, b"yes")


def test_a_request_and_its_response() -> None:
    streams = _exchange()
    (exchange,) = streams.exchanges()
    request, response = exchange.request, exchange.response
    assert request
    assert response
    assert request.headers == [*ASK, ("x-id", "1")]
    assert (request.version, request.body, request.authority) == ("HTTP/3", b"a body", "a.example")
    assert (response.status, response.body, response.complete) == (200, b"yes", True)
    assert (exchange.outcome, exchange.protocol, exchange.stream) == ("complete", "h3", 0)
    asked = next(p for p in streams.pieces if (p.stream, p.side) == (0, CLIENT))
    assert isinstance(asked.data, bytes)
    assert (request.start, request.end) == (0, len(asked.data))
    assert request.packet == request.last_packet == streams.pieces.index(asked) + 1
    assert response.last_packet == len(streams.pieces)


def test_a_section_waits_for_the_insertions_that_it_needs() -> None:
    streams = Streams().open()
    instructions, section = streams.section(0, CLIENT, [*ASK, ("x-id", "some value")])
    streams.encoders[CLIENT].encode(4, [(b"x", b"y")])
    instructions_2, section_2 = streams.section(8, CLIENT, [*ASK, ("x-id", "some value")])
    streams.send(8, CLIENT, frame(HEADERS, section_2) + frame(DATA, b"later"), fin=True)
    streams.send(0, CLIENT, frame(HEADERS, section), fin=True)
    (early,) = [e for e in streams.exchanges() if e.stream == 8]
    assert early.request
    streams.send(6, CLIENT, instructions + instructions_2)
    found = {e.stream: e for e in streams.exchanges()}
    for number_ in (0, 8):
        request = found[number_].request
        assert request
        assert request.headers == [*ASK, ("x-id", "some value")]
        assert not request.defects
    assert found[8].request
    assert (found[8].request.body, found[8].request.complete) == (b"later", True)


def test_insertions_that_never_come_leave_fields_unknown_and_say_so() -> None:
    streams = Streams().open()
    for stream in (0, 4, 8):
        _, section = streams.section(stream, CLIENT, [*ASK, ("x-id", "some value")])
        streams.send(stream, CLIENT, frame(HEADERS, section), fin=True)
    last = streams.exchanges()[-1]
    assert last.request
    assert last.request.method == "GET"
    assert (UNKNOWN, UNKNOWN) in last.request.headers
    assert any(
        "insertions into the table are not in the capture" in defect for defect in last.request.defects
    )


def test_settings_that_come_late_are_waited_for() -> None:
    streams = Streams()
    streams.send(6, CLIENT, number(ENCODER))
    for stream in (0, 4, 8):
        streams.message(stream, CLIENT, [*ASK, ("x-id", "some value")])
    streams.send(3, SERVER, number(CONTROL) + frame(SETTINGS, number(1) + number(4096)))
    found = streams.exchanges()
    assert [e.request.headers for e in found if e.request] == [[*ASK, ("x-id", "some value")]] * 3


def test_trailers_interim_responses_and_unknown_frames() -> None:
    streams = Streams(capacity=0).open().message(0, CLIENT, ASK)
    sections = [streams.section(0, SERVER, f)[1] for f in ([(":status", "103")], OK, [("x-sum", "1")])]
    grease = frame(0x21, b"anything") + frame(0x1F * 7 + 0x21)
    parts = [frame(HEADERS, sections[0]), grease, frame(HEADERS, sections[1]), frame(DATA, b"yes"), grease]
    streams.send(0, SERVER, b"".join([*parts, frame(HEADERS, sections[2])]), fin=True)
    (exchange,) = streams.exchanges()
    assert exchange.response
    assert [r.status for r in exchange.interim] == [103]
    assert (exchange.response.body, exchange.response.trailers) == (b"yes", [("x-sum", "1")])


def test_a_pushed_response_has_the_request_of_its_promise() -> None:
    streams = Streams(capacity=0).open().message(0, CLIENT, ASK)
    promise = number(3) + streams.section(0, SERVER, [*ASK[:3], (":path", "/style.css")])[1]
    answer = frame(HEADERS, streams.section(15, SERVER, OK)[1]) + frame(DATA, b"css")
    streams.send(15, SERVER, number(PUSH) + number(3) + answer, fin=True)
    streams.send(0, SERVER, frame(PUSH_PROMISE, promise), fin=False)
    streams.message(0, SERVER, OK, b"yes")
    found = streams.exchanges()
    assert sorted(told(found)) == [
        ("GET /", 200, "complete", 0, 3),
        ("GET /style.css", 200, "complete", 0, 3),
    ]
    assert {e.stream: e.pushed for e in found} == {0: False, 15: True}


def test_events_say_what_the_control_streams_said() -> None:
    streams = Streams().open()
    streams.send(3, SERVER, frame(GOAWAY, number(8)) + frame(0xD, number(5)) + frame(3, number(1)))
    streams.send(2, CLIENT, frame(0xF0700, number(4) + b"u=1"))
    _, facts, http = _with_request(streams)
    said = {(event.kind, event.side): event for event in facts.events}
    assert said["goaway", SERVER].last_stream == 8
    assert said["settings", CLIENT].detail == "QPACK_MAX_TABLE_CAPACITY=4096, QPACK_BLOCKED_STREAMS=16"
    assert (said["priority_update", CLIENT].stream, said["priority_update", CLIENT].detail) == (4, "'u=1'")
    assert {kind for kind, _ in said} >= {"max_push_id", "cancel_push"}
    assert not http.tunnels


def _with_request(streams: Streams) -> tuple[list[Exchange], Connection, Http3]:
    return streams.message(0, CLIENT, ASK).read()


def test_requests_from_the_goaways_stream_on_are_refused() -> None:
    streams = Streams().open()
    for stream in (0, 4, 8):
        streams.message(stream, CLIENT, ASK)
    streams.send(3, SERVER, frame(GOAWAY, number(4))).message(0, SERVER, OK).close(SERVER)
    assert [e.outcome for e in streams.exchanges()] == ["complete", "refused", "refused"]


def test_what_gives_a_stream_up_decides_its_outcome() -> None:
    for kind, side, code, name, outcome in (
        ("reset_stream", SERVER, 0x10B, "H3_REQUEST_REJECTED", "refused"),
        ("reset_stream", SERVER, 0x102, "H3_INTERNAL_ERROR", "truncated"),
        ("stop_sending", CLIENT, 0x10C, "H3_REQUEST_CANCELLED", "aborted"),
        ("reset_stream", CLIENT, 0x10C, "H3_REQUEST_CANCELLED", "aborted"),
        ("stop_sending", SERVER, 0x100, "H3_NO_ERROR", "unseen"),
    ):
        streams = Streams().open().message(0, CLIENT, ASK).message(0, SERVER, OK, b"half", fin=False)
        streams.tell(kind, 0, side, code, name)
        (exchange,) = streams.exchanges()
        assert exchange.outcome == outcome, kind
        assert (exchange.reset is None) == (outcome == "unseen")


def test_a_stream_that_ends_within_a_frame_says_so() -> None:
    streams = Streams().open().message(0, CLIENT, ASK).message(0, SERVER, OK, fin=False)
    streams.send(0, SERVER, frame(DATA, b"whole")[:-1], fin=True).close(SERVER)
    (exchange,) = streams.exchanges()
    assert exchange.response
    assert (exchange.outcome, exchange.response.body_size) == ("truncated", 4)
    assert any("within a frame" in defect for defect in exchange.response.defects)


def test_a_hole_within_data_costs_only_its_bytes() -> None:
    streams = Streams().open().message(0, CLIENT, ASK).message(0, SERVER, OK, fin=False)
    data = frame(DATA, b"x" * 1000)
    streams.send(0, SERVER, data[:300]).send(0, SERVER, 400).send(0, SERVER, data[700:], fin=True)
    (exchange,) = streams.exchanges()
    assert exchange.response
    assert (exchange.outcome, exchange.response.body_size) == ("complete", 1000)


def test_a_hole_over_frames_makes_the_stream_unseen_and_no_other() -> None:
    streams = Streams().open().message(0, CLIENT, ASK).message(4, CLIENT, ASK)
    streams.message(4, SERVER, OK, b"yes")
    streams.send(0, SERVER, 50).send(0, SERVER, b"anything", fin=True).close(SERVER)
    assert {e.stream: e.outcome for e in streams.exchanges()} == {0: "unseen", 4: "complete"}


def test_a_connect_stream_hands_out_what_it_carries() -> None:
    streams = Streams().open()
    streams.message(0, CLIENT, [(":method", "CONNECT"), (":authority", "b.example:443")], fin=False)
    streams.message(0, SERVER, [(":status", "200")], fin=False)
    streams.send(0, CLIENT, frame(DATA, b"hello")).send(0, SERVER, frame(DATA, b"there"))
    (exchange,), _, http = streams.read()
    carried = [(e, side, item[0]) for e, side, item in http.tunnels if not isinstance(item, Gap)]
    assert carried == [(exchange, CLIENT, b"hello"), (exchange, SERVER, b"there")]
    assert exchange.outcome == "complete"


@given(st.integers(0, (1 << 62) - 1))
def test_integers_of_variable_length(value: int) -> None:
    data = number(value)
    assert varint(data) == (value, len(data))
    assert varint(data[:-1]) == (0, -1)


@settings(max_examples=60)
@given(st.integers(1, 40))
def test_however_the_bytes_are_cut_the_messages_are_the_same(size: int) -> None:
    whole = _exchange()
    cut = Streams()
    for piece in whole.pieces:
        assert isinstance(piece.data, bytes)
        for at in range(0, len(piece.data), size):
            last = at + size >= len(piece.data)
            cut.send(piece.stream, piece.side, piece.data[at : at + size], fin=piece.fin and last)
    assert told(cut.exchanges()) == told(whole.exchanges())


@settings(max_examples=150)
@given(st.data())
def test_input_that_is_cut_reordered_or_spoilt_gives_values(data: st.DataObject) -> None:
    whole = _exchange().message(4, CLIENT, [*ASK, ("x-id", "1")]).message(4, SERVER, OK, b"more")
    spoilt = Streams()
    for piece in data.draw(st.permutations(whole.pieces)):
        content = bytearray(piece.data if isinstance(piece.data, bytes) else b"")
        what = data.draw(st.sampled_from(["keep", "keep", "cut", "spoil", "hole", "junk", "drop"]))
        if what == "cut":
            content = content[: data.draw(st.integers(0, len(content)))]
        elif what == "spoil" and content:
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        elif what == "junk":
            content = bytearray(data.draw(st.binary(max_size=40)))
        stream = data.draw(st.sampled_from([piece.stream, piece.stream, 1, 11, 14]))
        if what != "drop":
            spoilt.send(stream, piece.side, 9 if what == "hole" else bytes(content), fin=piece.fin)
    for exchange in spoilt.close(SERVER).exchanges():
        assert exchange.request or exchange.response or exchange.interim


def test_of_streams_that_there_is_no_room_for_nothing_is_kept() -> None:
    reading = Reading()
    reading.exchanges.left = 0
    http, where = Http3(reading), StreamPositions()
    request = frame(1, b"\0\0\xd1\xd7\xc1")  # GET / of https, all in the static table
    for stream in range(0, 400, 4):
        text = (request, 0, len(request))
        http.feed(stream, CLIENT, [text], fin=True, reset_code=None, where=where)
    assert not http._streams
    facts = Connection(1, Endpoint("192.0.2.1", 1), Endpoint("192.0.2.2", 443), 1, 0)
    assert not http.close(facts)
    assert [u.reason for u in facts.undecrypted] == [TOO_MANY]
