"""The kernel's reader of heads and the one in Python give the same, whatever comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire import kernel
from plainwire.http.reading import Reading
from tests.http.talk import CLIENT, GET, OK, SERVER, Talk
from tests.needs import needs_kernel

if TYPE_CHECKING:
    from plainwire.http.http1 import Http1
    from plainwire.model import Exchange

METHODS = st.sampled_from([b"GET", b"GET", b"POST", b"PUT", b"HEAD", b"CONNECT", b"TRACE", b"get", b""])
TARGETS = st.sampled_from([b"/", b"/a/1?b=c", b"*", b"a.example:443", b"/\xe9", b"/a b", b"http://a/b"])
LINES = st.lists(
    st.sampled_from(
        [
            b"Host: a.example",
            b"x-id: \t7f3e \t",
            b"X-Form: \x0ca\x0b",
            b"Connection: keep-alive",
            b"Connection: close, Upgrade",
            b"Upgrade: websocket",
            b"Content-Encoding: gzip",
            b"Content-Type: text/event-stream",
            b"Content-Type: text/html",
            b"content-Type:text/HTML; a=b",
            b"Content-Length: 0",
            b"Content-Length: 3",
            b"Content-Length: 99999999999999999999",
            b"Content-Length: x",
            b"Transfer-Encoding: chunked",
            b"Name\xe9: caf\xe9",
            b"caf: \xe9",
            b"no colon",
            b" folded",
            b": no name",
            b"na me: x",
            b"a: \0",
            b"a: b\rc",
        ]
    ),
    max_size=5,
)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\r\n"])
BODIES = st.sampled_from([b"", b"yes", b"no", b"3\r\nyes\r\n0\r\n\r\n", b"data: 1\n\n"])
STATUSES = st.sampled_from(
    [
        *(b"200 OK", b"404 Not Found", b"503 ", b"200", b"204 No Content", b"100 Continue", b"101 Switching"),
        *(b"999 caf\xe9", b"000 x", b" 200 OK", b"20x OK", b"200 O\rK"),
    ]
)
VERSIONS = st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9", b""])


@st.composite
def heads(draw: st.DrawFn, first: bytes) -> bytes:
    """A message with this first line: mostly as it should be, cut or broken somewhere now and then."""
    end = draw(ENDS)
    lines = [first, *draw(LINES)]
    body = draw(BODIES)
    if draw(st.booleans()):
        lines.append(b"Content-Length: %d" % len(body))
    text = end.join([*lines, b"", body])
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(text)))
        text = draw(st.sampled_from([text[:at], text[at:], text[:at] + b"\r" + text[at:], b"\r\n" + text]))
    return text


REQUESTS = st.tuples(METHODS, TARGETS, VERSIONS).flatmap(lambda parts: heads(b" ".join(parts)))
RESPONSES = st.tuples(VERSIONS, STATUSES).flatmap(lambda parts: heads(b" ".join(parts)))
PLAIN = st.sampled_from([(CLIENT, GET), (SERVER, OK)])
MESSAGES = st.one_of(
    PLAIN, PLAIN, st.tuples(st.just(CLIENT), REQUESTS), st.tuples(st.just(SERVER), RESPONSES)
)


def _read(monkeypatch: pytest.MonkeyPatch, talk: Talk, *, at_once: bool) -> list[Any]:
    """What is found without the kernel, and with it: exchanges, and where the readers stand."""
    found = []
    for compiled in (None, kernel.compiled):
        monkeypatch.setattr(kernel, "compiled", compiled)
        reading = Reading()
        exchanges, http = talk.reader(at_once=at_once, reading=reading)
        found.append((_all(exchanges), _state(http), reading.exchanges.left))
        monkeypatch.undo()
    return found


def _all(exchanges: list[Exchange]) -> list[Any]:
    return [(exchange, exchange.request, exchange.response) for exchange in exchanges]


def _state(http: Http1) -> list[Any]:
    readers = (http.requests, http.responses)
    sides = [
        (
            r.state,
            r.position,
            r.lowest_needed,
            r.foreign,
            r.lost,
            r._carry,
            r._started,
            r._share.taken,
            r._share._due,
        )
        for r in readers
    ]
    return [*sides, http.requests.count, http.responses._finals, http.responses._interim, http.looked_up_to()]


@pytest.fixture(autouse=True)
def _kernel() -> None:
    needs_kernel()


@settings(max_examples=150, deadline=None)
@given(st.lists(MESSAGES, max_size=8), st.booleans(), st.booleans(), st.sampled_from([0, 0, 0, 7, 40]))
def test_both_read_the_same(messages: list[tuple[Any, bytes]], exact: bool, at_once: bool, cut: int) -> None:  # noqa: FBT001
    talk = Talk(exact)
    for side, text in messages:
        if text:
            talk.send(side, text)
    if cut:
        talk = talk.recut(cut)
    with pytest.MonkeyPatch.context() as monkeypatch:
        by_python, by_kernel = _read(monkeypatch, talk, at_once=at_once)
    assert by_kernel == by_python


def test_a_run_of_plain_messages_is_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(exact=False)
    for _ in range(3):
        talk.client(GET).server(OK)
    reading = Reading()
    taken: list[bytes] = []
    monkeypatch.setattr("plainwire.http.http1_reader.Reader._take", lambda _self, item: taken.append(item[0]))
    exchanges, _ = talk.reader(at_once=True, reading=reading)
    assert [e.response.status for e in exchanges if e.response] == [200] * 3
    assert taken == []


def test_where_room_runs_out_messages_are_left_out_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(exact=False)
    for _ in range(20):
        talk.client(GET).server(OK)
    found = []
    for compiled in (None, kernel.compiled):
        monkeypatch.setattr(kernel, "compiled", compiled)
        reading = Reading()
        reading.exchanges.left = 40_000
        exchanges, http = talk.reader(reading=reading)
        found.append((_all(exchanges), _state(http), reading.exchanges.left))
    assert found[0] == found[1]
    assert 0 < len(found[0][0]) < 20


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("count", [15, 16, 40])
def test_long_runs_get_their_packets_as_without(
    monkeypatch: pytest.MonkeyPatch, count: int, *, exact: bool
) -> None:
    """From ``WORTH_PLACING`` of the kernel on they are looked up when they are read."""
    talk = Talk(exact)
    for _ in range(count):
        talk.client(GET).server(OK)
    talk.client(b"HEAD / HTTP/1.1\r\n\r\n").server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    talk.client(GET).server(OK).client(GET[:9])
    by_python, by_kernel = _read(monkeypatch, talk, at_once=True)
    assert by_kernel == by_python
    exchanges = [exchange for exchange, _, _ in by_kernel[0]]
    assert len(exchanges) == count + 3
    packets = [exchange.request.packet for exchange in exchanges]
    assert packets == sorted(set(packets))
