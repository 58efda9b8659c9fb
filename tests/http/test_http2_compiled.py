"""The kernel's reader of plain HTTP/2 streams and the one in Python give the same, whatever comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire import kernel
from plainwire.http.hpack import HpackDecoder
from plainwire.http.stream_exchange import StreamExchange
from tests.http.talk import CLIENT, SERVER, Talk
from tests.http.talk2 import ASK, OK, PREFACE, SETTINGS, SETTINGS_ACK, Pair, frame, read
from tests.needs import needs_kernel

if TYPE_CHECKING:
    from plainwire.model import Side

Fields = list[tuple[str, str]]

END_STREAM, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x4, 0x8, 0x20
DATA, HEADERS, WINDOW_UPDATE, CONTINUATION = 0, 1, 8, 9
CALL = [
    *((":method", "POST"), (":scheme", "https"), (":authority", "a.example"), (":path", "/store.Store/Get")),
    *(("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "5S")),
]
MESSAGE = b"\0\0\0\0\5hello"

ODD = st.sampled_from(
    [
        *(("content-length", size) for size in ("3", "10", "0", "x", "1234567890123456789")),
        *(("content-type", kind) for kind in ("text/html", "text/event-stream; a=b", "application/grpcs")),
        *(("content-type", kind) for kind in ("APPLICATION/grpc+proto", "application/grpc-web")),
        *(("content-encoding", "gzip"), ("content-encoding", "identity"), ("te", "gzip"), ("te", "Trailers")),
        *(("connection", "close"), ("Upper", "case"), ("x-a", " space"), ("x-a", "nul\0"), ("", "no name")),
        *(("x-caf\xe9", "1"), ("x-a", "caf\xe9"), ("x-a", ""), ("x-long", "v" * 300), (":other", "1")),
        *((":path", "/again"), (":path", ""), (":path", "/a b"), (":protocol", "websocket")),
        *((":method", "CONNECT"), (":method", "HEAD"), (":status", "204"), (":status", "404")),
        *(("grpc-status", "0"), ("grpc-status", "13"), ("grpc-status", "x"), ("grpc-message", "caf%C3%A9")),
        *(("grpc-message", ""), ("grpc-timeout", "123456789S"), ("grpc-timeout", "99999999H")),
    ]
)
FIRST = st.sampled_from(
    [
        ASK,
        ASK,
        CALL,
        CALL,
        [*CALL[:-1], ("grpc-timeout", "99999999H")],
        [(":method", "HEAD"), *ASK[1:]],
        ASK[:3],
        [("a", "b")],
    ]
)
ANSWERS = st.sampled_from(
    [
        *(OK, OK, [(":status", "200"), ("content-type", "application/grpc")], [(":status", "204")]),
        *([(":status", "304"), ("content-length", "3")], [(":status", "099")], [(":status", "2000")]),
        *([(":status", "503"), ("content-length", "3")], [(":status", "200"), ("grpc-status", "14")]),
        *([(":status", "100")], [("a", "b")]),
    ]
)
TRAILERS = st.sampled_from(
    [[("grpc-status", "0")], [("grpc-status", "2"), ("grpc-message", "no")], [("x-sum", "1")], []]
)
BODIES = st.sampled_from(
    [b"", b"yes", MESSAGE, MESSAGE * 2, MESSAGE[:3], MESSAGE[3:], MESSAGE[:7], b"v" * 17_000]
)
FLAGS = st.sampled_from(
    [END_HEADERS, END_HEADERS, END_HEADERS | END_STREAM, END_HEADERS | PRIORITIZED, 0, PADDED]
)
STREAMS = st.sampled_from([1, 1, 1, 3, 3, 5, 2, 0])
RAW = st.tuples(st.integers(0, 17), st.integers(0, 255), STREAMS, st.binary(max_size=20)).map(
    lambda p: frame(*p)
)


class Ends:
    """Both senders: what they encode depends on what they encoded before."""

    def __init__(self) -> None:
        self.encoders = hpack.Encoder(), hpack.Encoder()

    def block(self, side: Side, fields: Fields, *, coded: bool) -> bytes:
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
        return self.encoders[side].encode(pairs, huffman=coded)


@st.composite
def acts(draw: st.DrawFn, ends: Ends) -> tuple[Side, bytes]:
    """What one side says: mostly what a plain exchange has, and now and then what it must not."""
    kind = draw(
        st.sampled_from([*["ask", "answer", "data"] * 4, "trailers", "update", "resize", "raw", "block"])
    )
    side = (
        CLIENT if kind == "ask" else SERVER if kind == "answer" else draw(st.sampled_from([CLIENT, SERVER]))
    )
    stream = draw(STREAMS)
    if kind in ("ask", "answer", "trailers"):
        fields = list(draw({"ask": FIRST, "answer": ANSWERS, "trailers": TRAILERS}[kind]))
        for odd in draw(st.lists(ODD, max_size=2)):
            fields.insert(draw(st.integers(1, 9)) if draw(st.booleans()) else len(fields), odd)
        block = ends.block(side, fields, coded=draw(st.booleans()))
        flags = END_HEADERS | END_STREAM if kind == "trailers" else draw(FLAGS)
        ahead = bytes(5) if flags & PRIORITIZED else b"\x02" if flags & PADDED else b""
        rest = bytes(2) if flags & PADDED else b""
        return side, frame(HEADERS, flags, stream, ahead + block + rest)
    if kind == "data":
        body, flags = draw(BODIES), draw(st.sampled_from([0, END_STREAM]))
        parts = [body[at : at + 16_384] for at in range(0, len(body), 16_384)] or [b""]
        last = frame(DATA, flags, stream, parts.pop())
        return side, b"".join(frame(DATA, 0, stream, part) for part in parts) + last
    if kind == "update":
        increment = draw(st.sampled_from([0, 1, 70_000, (1 << 31) - 1]))
        return side, frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4))
    if kind == "resize":
        ends.encoders[side].header_table_size = draw(st.sampled_from([0, 60, 4096, 5000]))
        return side, b""
    if kind == "block":
        return side, frame(HEADERS, END_HEADERS, stream, draw(st.binary(max_size=12)))
    return side, draw(RAW)


@st.composite
def talks(draw: st.DrawFn) -> Talk:
    ends, talk = Ends(), Talk(exact=draw(st.booleans()))
    windows = draw(
        st.sampled_from([SETTINGS, frame(4, 0, 0, b"\0\4\0\0\0\x40"), frame(4, 0, 0, b"\0\1\0\0\x10\0")])
    )
    talk.client(PREFACE + windows if draw(st.integers(0, 9)) else b"").server(SETTINGS).client(SETTINGS_ACK)
    for _ in range(draw(st.integers(0, 14))):
        side, said = draw(acts(ends))
        if said:
            talk.send(side, said)
    whole = sum(act.length for act in talk.acts)
    size = draw(st.sampled_from([0, 0, 0, 3, 20, 1000] if whole < 3000 else [0, 1000]))
    talk = talk.recut(size) if size else talk
    if draw(st.integers(0, 5)) == 0:
        gone = draw(st.integers(1, talk.packet))
        without_it = Talk(talk.exact)
        for act in talk.acts:
            (
                without_it.hole(act.side, act.length)
                if act.packet == gone
                else without_it.send(act.side, act.data or b"")
            )
        talk = without_it
    return talk


def _told(talk: Talk, *, at_once: bool) -> tuple[Any, ...]:
    """Everything that is known of a talk, and where its reader stands."""
    exchanges, facts, http = read(talk, at_once=at_once, keep_bodies=False)
    windows = http._windows
    return (
        exchanges,
        facts.events,
        facts.undecrypted,
        (windows._balance, list(windows._stalled), windows._known, windows.initial),
        [*http._done.streams],
        http._share.taken,
        [_table(decoder) for decoder in http._decoders],
        [(c.sync, c.lost, c.position, c.lowest_needed, c.instead) for c in http._cutters],
    )


def _table(decoder: HpackDecoder) -> tuple[Any, ...]:
    known = decoder.compiled
    table, size, limit = known.leave() if known else (list(decoder._table), decoder._size, decoder._limit)
    return table, size, limit, decoder.allowed, decoder.unseen


@pytest.fixture(autouse=True)
def _kernel() -> None:
    needs_kernel()


@settings(max_examples=300, deadline=None)
@given(talks(), st.booleans())
def test_both_read_the_same(talk: Talk, at_once: bool) -> None:  # noqa: FBT001
    by_kernel = _told(talk, at_once=at_once)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(kernel, "compiled", None)
        by_python = _told(talk, at_once=at_once)
    assert by_kernel == by_python


PIECES = (
    *(b"\x82", b"\xbe", b"\xbf", b"\xc0", b"\x40\x01n\x03abc", b"\x7e\x01w", b"\x00\x01n\x01v"),
    *(b"\x0f\x2f\x01v", b"\x20", b"\x3f\x21", b"\x3f\xe1\x1f", b"\x3f\xe2\x1f", b"\x40\x81\xff\x01v"),
    *(b"\x41\x8c\xf1\xe3\xc2\xe5\xf2:k\xa0\xab\x90\xf4\xff", b"\x40\x01n\x81\x18", b"\xff" * 11),
    b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
)
BLOCKS = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join))


@settings(max_examples=300, deadline=None)
@given(st.lists(BLOCKS, max_size=8))
def test_both_decode_the_same(blocks: list[bytes]) -> None:
    by_kernel = HpackDecoder()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(kernel, "compiled", None)
        by_python = HpackDecoder()
    for block in blocks:
        assert by_kernel.decode(block) == by_python.decode(block)
        assert _table(by_kernel) == _table(by_python)


def test_plain_streams_are_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(exact=False)
    for _ in range(3):
        pair.answer(pair.ask(CALL, MESSAGE), MESSAGE, trailers=[("grpc-status", "0")])
    taken: list[int] = []
    monkeypatch.setattr(StreamExchange, "__init__", lambda *_arguments: taken.append(1))
    exchanges, _, _ = read(pair.talk, at_once=True, keep_bodies=False)
    assert [(e.outcome, e.grpc.status, e.grpc.messages) for e in exchanges if e.grpc] == [
        ("complete", 0, [1, 1])
    ] * 3
    assert taken == []


def test_a_block_that_stands_for_much_more_is_not_held_by_the_kernel() -> None:
    """Nor does a chain of CONTINUATIONs without an end reach it."""
    talk = Talk().client(PREFACE + SETTINGS).server(SETTINGS)
    value = b"v" * 4000
    talk.client(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x40\x01n\x7f\xa1\x1e" + value))
    talk.client(frame(HEADERS, END_HEADERS | END_STREAM, 3, b"\xbe" * 16_000))
    talk.client(frame(HEADERS, 0, 5, b"\xbe") + frame(CONTINUATION, 0, 5, b"\xbe" * 16_000) * 70)
    exchanges, _, _ = read(talk, keep_bodies=False)
    sizes = [sum(len(value) for _, value in e.request.headers) for e in exchanges if e.request]
    assert sizes[0] == 4000
    assert 1_000_000 < sizes[1] <= 1 << 20
    assert len(sizes) == 2
