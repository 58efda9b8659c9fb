"""Messages as they are on real wires: well-formed ones read back as built, broken ones with a reason."""

from __future__ import annotations

import http.client
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.talk import CLIENT, GET, OK, SERVER, Talk, only, told

if TYPE_CHECKING:
    from plainwire.model import Request, Response

# --- well-formed, by an independent builder ----------------------------------------------------------

TOKENS = st.text("abcXYZ019-_!#~", min_size=1, max_size=10)
VALUES = st.text('abc XYZ:;,="/\t~\xe9', max_size=20).map(lambda text: text.strip(" \t"))
OTHER_FIELDS = st.lists(st.tuples(TOKENS.map(lambda name: "X-" + name), VALUES), max_size=4)


@dataclass
class Built:
    """A message and its parts."""

    line: str
    fields: list[tuple[str, str]]
    body: bytes
    chunks: list[bytes] | None = None  # chunked where not None
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def wire(self) -> bytes:
        head = self.line + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in self.fields) + "\r\n"
        if self.chunks is None:
            return head.encode("latin-1") + self.body
        body = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in self.chunks if chunk)
        end = "0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in self.trailers) + "\r\n"
        return head.encode("latin-1") + body + end.encode("latin-1")


@st.composite
def messages(draw: st.DrawFn, line: st.SearchStrategy[str], *, bodies: bool = True) -> Built:
    fields, kind = draw(OTHER_FIELDS), draw(st.sampled_from(["sized", "chunked"]))
    chunks = draw(st.lists(st.binary(max_size=30), max_size=4)) if bodies else []
    body = b"".join(chunks)
    if kind == "chunked" and bodies:
        framing, trailers = ("Transfer-Encoding", "chunked"), draw(OTHER_FIELDS)
        return Built(draw(line), [*fields, framing], body, chunks, trailers)
    return Built(draw(line), [("Content-Length", str(len(body))), *fields], body)


TARGETS = st.text("/abc?=&%20", max_size=20).map(lambda text: "/" + text)
REQUESTS = messages(
    st.builds("{} {} HTTP/1.1".format, st.sampled_from(["GET", "POST", "PURGE", "DELETE"]), TARGETS)
)
RESPONSES = messages(
    st.builds(
        "HTTP/1.1 {} {}".format, st.sampled_from([200, 201, 404, 500, 599]), st.text("abc d", max_size=9)
    )
)


@given(st.lists(st.tuples(REQUESTS, RESPONSES), min_size=1, max_size=4), st.integers(1, 50), st.booleans())
def test_what_was_built_is_read_back_however_it_is_cut(
    pairs: list[tuple[Built, Built]],
    size: int,
    exact: bool,  # noqa: FBT001
) -> None:
    talk = Talk(exact)
    for request, response in pairs:
        talk.client(request.wire()).server(response.wire())
    exchanges = talk.recut(size).read()
    assert len(exchanges) == len(pairs)
    for exchange, (request, response) in zip(exchanges, pairs, strict=True):
        assert exchange.outcome == "complete"
        assert exchange.request
        assert exchange.response
        _assert_same(exchange.request, request)
        _assert_same(exchange.response, response)
        assert f"{exchange.request.method} {exchange.request.target} HTTP/1.1" == request.line
        assert f"HTTP/1.1 {exchange.response.status} {exchange.response.reason}" == response.line


def _assert_same(message: Request | Response, built: Built) -> None:
    assert message.headers == built.fields
    assert (message.body or b"") == built.body
    assert message.body_size == len(built.body)
    assert message.trailers == built.trailers
    assert message.complete
    assert message.defects == []


@given(RESPONSES)
def test_the_standard_library_reads_the_same(built: Built) -> None:
    class Socket:
        def makefile(self, _mode: str) -> io.BytesIO:
            return io.BytesIO(built.wire())

    theirs = http.client.HTTPResponse(Socket())  # type: ignore[arg-type]
    theirs.begin()
    body = theirs.read()
    _, ours = only(Talk().client(GET).server(built.wire()).read())
    assert (ours.status, ours.reason.strip(), ours.body or b"") == (theirs.status, theirs.reason, body)


@given(st.lists(st.tuples(REQUESTS, RESPONSES), min_size=1, max_size=3), st.data())
def test_damage_is_never_an_error_and_pieces_read_as_the_whole(
    pairs: list[tuple[Built, Built]], data: st.DataObject
) -> None:
    talk = Talk()
    for request, response in pairs:
        talk.client(_damaged(data, request.wire())).server(_damaged(data, response.wire()))
    whole = Talk()
    for side in (CLIENT, SERVER):
        whole.send(side, b"".join(act.data or b"" for act in talk.acts if act.side == side))
    for each in (talk, whole):
        each.close(SERVER, "fin")
    pieces = whole.recut(data.draw(st.integers(1, 9)))
    assert _sizes(pieces.read(at_once=True)) == _sizes(whole.read(at_once=True))
    talk.read()


def _sizes(exchanges: list) -> list:  # type: ignore[type-arg]
    """The gist, without who answers whom: that hangs on packets, which are other ones."""
    return [
        [(r.method, r.target, r.start, r.end, r.defects) for e in exchanges if (r := e.request)],
        [(r.status, r.start, r.end, r.body_size, r.defects) for e in exchanges if (r := e.response)],
    ]


def _damaged(data: st.DataObject, wire: bytes) -> bytes:
    at, to = sorted((data.draw(st.integers(0, len(wire))), data.draw(st.integers(0, len(wire)))))
    junk = data.draw(
        st.one_of(st.just(b""), st.binary(max_size=8), st.sampled_from([b"\r\n", b"\n", b"HTTP/"]))
    )
    return data.draw(st.sampled_from([wire, wire[:at] + junk + wire[to:], wire[:at] + wire, wire[:to]]))


@given(st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), st.binary(max_size=60)), max_size=8))
def test_junk_is_never_an_error(acts: list[tuple[int, bytes]]) -> None:
    talk = Talk().client(GET)
    for side, junk in acts:
        talk.send((CLIENT, SERVER)[side], junk)
    talk.close(SERVER, "rst").read()


# --- broken ones ----------------------------------------------------------------------------------


def answered(data: bytes) -> Response:
    return only(Talk().client(GET).server(data).close(SERVER, "fin").read())[1]


def asked(data: bytes) -> Request:
    return only(Talk().client(data).server(OK).read())[0]


@pytest.mark.parametrize(
    ("head", "status", "size", "defect"),
    [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3",
            200,
            2,
            "Content-Length fields that differ",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3", 200, 2, "Content-Length fields that differ"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +2", 200, 9, "Content-Length is no number: '+2'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1e1", 200, 9, "Content-Length is no number: '1e1'"),
        (b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\nContent-Length: 2", 200, 2, "obsolete line folding"),
        (
            b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2",
            200,
            2,
            "header line without a colon: 'no colon'",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length : 2", 200, 2, "field name is no token: 'Content-Length '"),
        (b"HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 2", 200, 2, "CR or NUL in the value"),
        (b"HTTP/2 200\r\nContent-Length: 2", 200, 2, "status line with a version that is none"),
        (b"HTTP/1.1 000\r\nContent-Length: 2", 0, 2, "status line with the status 000"),
        (b"HTTP/1.1  200 OK\r\nContent-Length: 2", 200, 2, "more than one space before the status"),
        (b"HTTP/1.1 2x0 OK\r\nContent-Length: 2", 0, 2, "status line without a status"),
        (b"HTTP/1.1\r\nContent-Length: 2", 0, 2, "status line without a status"),
    ],
)
def test_a_broken_head_is_read_and_its_defect_named(head: bytes, status: int, size: int, defect: str) -> None:
    response = answered(head + b"\r\n\r\n" + b"123456789"[:size])
    assert (response.status, response.body_size) == (status, size)
    assert response.complete
    assert [d[: len(defect)] for d in response.defects] == [defect]


def test_equal_content_lengths_are_one() -> None:
    response = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab")
    assert (response.body, response.defects) == (b"ab", [])


def test_transfer_encoding_overrides_content_length_and_is_a_defect_beside_it() -> None:
    response = answered(
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    )
    assert (response.body, response.framing, response.complete) == (b"ab", "chunked", True)
    assert ["both Transfer-Encoding and Content-Length" in d for d in response.defects] == [True]


@pytest.mark.parametrize(
    "value", ["gzip", "chunked, gzip", "xchunked", "\vchunked", "\fchunked", "\xa0chunked"]
)
def test_a_last_coding_other_than_chunked_ends_with_the_connection(value: str) -> None:
    wire = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {value}\r\n\r\n2\r\nab"
    response = answered(wire.encode("latin-1"))
    assert (response.framing, response.body_size) == ("close", 5)


@pytest.mark.parametrize("line", [b"xyz", b"-5", b"0x5", b"", b"5 5", b"f" * 5000, b"F" * 16])
def test_a_bad_chunk_size_is_named_and_the_answer_counts_as_cut(line: bytes) -> None:
    wire = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n" + line + b"\r\nmore\r\n0\r\n\r\n"
    )
    (exchange,) = Talk().client(GET).server(wire).close(SERVER, "fin").read()
    assert exchange.response
    assert exchange.response.body_size == 2
    assert exchange.response.defects[0].startswith("bad chunk size: '")
    assert exchange.outcome == "truncated"


def test_chunks_of_each_spelling() -> None:
    body = b'1 ;name="a;b"\r\nx\r\n0A\r\n0123456789\r\n000\r\nTrailer-Field: 1\r\nOther: 2\r\n\r\n'
    response = answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + body)
    assert (response.body, response.complete, response.defects) == (b"x0123456789", True, [])
    assert response.trailers == [("Trailer-Field", "1"), ("Other", "2")]


def test_lines_that_end_in_a_bare_lf() -> None:
    request, response = only(
        Talk()
        .client(b"GET /x HTTP/1.1\nHost: a.example\n\n")
        .server(b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nab\n0\n\n")
        .read()
    )
    assert (request.target, request.authority) == ("/x", "a.example")
    assert (response.body, response.complete) == (b"ab", True)


def test_empty_lines_before_a_message_are_passed_over() -> None:
    talk = Talk().client(b"\r\n\r\n" + GET).server(b"\r\n" + OK).client(b"\r\n" + GET).server(OK)
    exchanges = talk.read()
    assert told(exchanges) == [("GET /", 200, "complete", 0, 3)] * 2
    assert [e.request.start for e in exchanges if e.request] == [4, 4 + len(GET) + 2]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_bytes_behind_a_body_are_named_at_the_next_answer(size: int) -> None:
    talk = Talk().client(GET).server(OK + b"excess HT").client(GET).server(OK)
    second = talk.recut(size).read(at_once=True)[1].response
    assert second
    assert second.defects == ["9 bytes before the status line belong to no message: 'excess HT'"]
    assert second.status == 200


def test_content_length_0() -> None:
    response = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert (response.declared_size, response.body_size, response.complete) == (0, 0, True)


@pytest.mark.parametrize(
    ("head", "closes"),
    [
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive, CLOSE\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", False),
    ],
)
def test_whether_the_end_was_announced(head: bytes, *, closes: bool) -> None:
    assert answered(head + b"Content-Length: 0\r\n\r\n").close_announced is closes


@pytest.mark.parametrize(
    ("line", "target", "authority"),
    [
        (b"GET http://b.example:8080/x?y=//z HTTP/1.1", "http://b.example:8080/x?y=//z", "b.example:8080"),
        (b"GET /x?u=http://c.example/ HTTP/1.1", "/x?u=http://c.example/", "a.example"),
        (b"OPTIONS * HTTP/1.1", "*", "a.example"),
        (b"GET http://b.example?x HTTP/1.1", "http://b.example?x", "b.example"),
    ],
)
def test_targets_and_authorities(line: bytes, target: str, authority: str) -> None:
    request = asked(line + b"\r\nHost: a.example\r\n\r\n")
    assert (request.target, request.authority) == (target, authority)


def test_a_request_line_with_spaces_and_one_of_http_1_0() -> None:
    spaced = asked(b"GET /a b HTTP/1.1\r\n\r\n")
    assert (spaced.target, spaced.authority) == ("/a b", None)
    assert "spaces in the request target" in spaced.defects[0]
    assert asked(b"GET / HTTP/1.0\r\n\r\n").version == "HTTP/1.0"


def test_a_head_without_end_is_given_up() -> None:
    talk = Talk().client(GET)
    for _ in range(40):
        talk.server(b"HTTP/1.1 200 OK\r\n" if talk.packet == 1 else b"a" * 50_000)
    (exchange,) = talk.close(SERVER, "fin").read()
    assert exchange.response is None or not exchange.response.complete
