"""The kernel's writers of exchanges and connections, and those in Python, write the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plainwire import kernel
from plainwire.model import (
    CloseEvent,
    Connection,
    Content,
    Coverage,
    Endpoint,
    EventStream,
    Exchange,
    Gap,
    Grpc,
    Report,
    Request,
    Response,
    Side,
    StreamEvent,
    Syn,
    TlsInfo,
)
from plainwire.report import json
from tests.needs import needs_kernel

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.sampled_from(
    [
        *("Host", "host", "X-Request-Id", "ETag", "Authorization", "Cookie", "X-Api-Key", "Server", "Date"),
        *("Location", ":authority", "caf\xe9", "", ":path", ":method"),
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                "a.example",
                "user:password@a.example",
                "7f3e" * 8,
                "7f3e" * 20,
                '"7f3e"',
                "Bearer hunter2",
                "",
            ),
            *(
                "a=b; c=d",
                "back\\slash",
                "\x1b[31m",
                "caf\xe9",
                "\u202e",
                "x" * 600,
                "/invite/Zm9vYmFyMTIzNDU2",
            ),
        ]
    ),
    st.text(max_size=12),
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=5)
TARGETS = st.one_of(
    st.sampled_from(
        [
            *(
                "/",
                "*",
                "/v1/objects/backup-000123.tar",
                "/a?token=hunter2",
                "/hooks/T0123/B0123/abcdef123456",
            ),
            *("a:443", "http://a.example/b", "//a/ya29.abcdefghijk", "/caf\xe9", "/" + "7" * 40),
            *("/bot12345:abc/x", "/a/1//b"),
        ]
    ),
    st.text("/abcZ019.-_~", max_size=40).map("/".__add__),
)
TIMES = st.one_of(st.integers(0, 2_000_000_000_000_000_000), st.integers(0, 5000), st.just(1 << 70))
NUMBERS = st.integers(0, 1 << 62)
DEFECTS = st.lists(st.sampled_from(["a defect"]), max_size=1)
CONTENTS = st.sampled_from([None, None, None, Content(["gzip"])])


CALLS = st.builds(
    Grpc,
    TARGETS,
    st.sampled_from([0, 13, None]),
    st.sampled_from(["", "", "token=hunter2"]),
    st.lists(NUMBERS, min_size=2, max_size=2),
    timeout_ns=st.one_of(st.none(), TIMES),
    largest=st.lists(NUMBERS, min_size=2, max_size=2),
)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """An exchange, plain or with something unusual."""
    request = Request(
        draw(st.sampled_from(["GET", "POST", "CONNECT", "caf\xe9"])),
        draw(TARGETS),
        draw(st.sampled_from(["HTTP/1.1", ""])),
        draw(HEADERS),
        0,
        1,
        draw(NUMBERS),
        draw(NUMBERS),
        draw(TIMES),
        draw(TIMES),
        body_size=draw(NUMBERS),
        complete=draw(st.booleans()),
        defects=draw(DEFECTS),
        content=draw(CONTENTS),
    )
    response = Response(
        draw(st.integers(0, 999)),
        draw(st.sampled_from(["OK", "", "caf\xe9", "token=hunter2"])),
        "HTTP/1.1",
        draw(HEADERS),
        0,
        1,
        time_ns=draw(TIMES),
        last_ns=draw(TIMES),
        framing=draw(st.sampled_from(["content-length", "none"])),
        declared_size=draw(st.one_of(st.none(), NUMBERS)),
        trailers=draw(st.sampled_from([[], [], [("Digest", "x")]])),
        event_stream=draw(st.sampled_from([None, None, EventStream()])),
    )
    if draw(st.booleans()):  # as HTTP/2 has it
        request.headers = [(":method", request.method), *request.headers, (":path", request.target)]
    return Exchange(
        draw(NUMBERS),
        draw(NUMBERS),
        draw(NUMBERS),
        draw(st.sampled_from([request, request, request, None])),
        draw(st.sampled_from([response, response, response, None])),
        draw(st.sampled_from(["complete", "aborted"])),
        idle_before_ns=draw(st.one_of(st.none(), TIMES)),
        duration_ns=draw(st.one_of(st.none(), TIMES)),
        interim=draw(st.sampled_from([[], [], [Response(100, "", "HTTP/1.1", [], 0, 1)]])),
        stopped=draw(st.sampled_from([False, False, True])),
        protocol=draw(st.sampled_from(["http/1.1", "h2", "h2", "h3"])),
        stream=draw(st.one_of(st.none(), NUMBERS)),
        pushed=draw(st.sampled_from([False, False, True])),
        reset=draw(st.sampled_from([None, None, StreamEvent("rst_stream", Side.SERVER, 5, 6, 1, 8)])),
        grpc=draw(st.one_of(st.none(), CALLS)),
    )


T = TypeVar("T")


def _made(kind: Callable[..., T], fields: dict[str, Any]) -> T:
    return kind(**fields)


SIDES = st.sampled_from(Side)
WORDS = st.sampled_from(["TLS 1.3", "a.example", None, "caf\xe9", ""])
ENDS = st.builds(Endpoint, st.sampled_from(["192.0.2.1", "2001:db8::1", "caf\xe9"]), st.integers(0, 65535))
SYNS = st.tuples(NUMBERS, TIMES, SIDES, st.sampled_from([0x02, 0x12])).map(lambda each: Syn(*each, 0, 64))
CLOSES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["close_notify", "alert", "fin", "rst", "fin", "connection_close"]),
        "side": SIDES,
        "time_ns": TIMES,
        "packet": NUMBERS,
        "seq": st.integers(0, 5),
        "ack": st.one_of(st.none(), st.integers(0, 5)),
        "detail": st.sampled_from(["", "", "user_canceled", "caf\xe9"]),
        "repeated": st.booleans(),
    }
).map(lambda fields: _made(CloseEvent, fields))
SESSIONS = st.fixed_dictionaries(
    {
        "version": WORDS,
        "cipher_suite": WORDS,
        "alpn": WORDS,
        "server_name": WORDS,
        "resumed": st.sampled_from([True, False, None]),
        "began_ns": st.one_of(st.none(), TIMES),
        "finished_ns": st.one_of(st.none(), TIMES),
        "early_data": st.sampled_from([None, None, "accepted"]),
        "renegotiations": st.sampled_from([0, 0, 1]),
    }
).map(lambda fields: _made(TlsInfo, fields))
PAIRS = st.lists(NUMBERS, min_size=2, max_size=2)
CONNECTIONS = st.fixed_dictionaries(
    {
        "id": NUMBERS,
        "client": ENDS,
        "server": ENDS,
        "first_packet": NUMBERS,
        "opened_ns": TIMES,
        "last_ns": TIMES,
        "sizes": PAIRS,
        "retransmissions": PAIRS,
        "duplicates": st.sampled_from([0, 0, 0, 1]),
        "rtt_syn_ns": st.one_of(st.none(), TIMES),
        "syns": st.lists(SYNS, max_size=2),
        "transport": st.sampled_from(["tcp", "tcp", "tcp", "quic"]),
        "tls": st.one_of(st.none(), SESSIONS),
        "closes": st.lists(CLOSES, max_size=4),
        "gaps": st.sampled_from([[], [], [], [Gap(Side.SERVER, 5, 6, 7)]]),
        "alike": st.sampled_from([0, 0, 0, 1]),
    }
).map(lambda fields: _made(Connection, fields))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(exchanges(), max_size=4), st.lists(CONNECTIONS, max_size=4))
def test_both_write_the_same(made: list[Exchange], connections: list[Connection]) -> None:
    needs_kernel()
    report = Report(Coverage(), connections, made, [], [])
    written = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        for compiled in (kernel.compiled, None):
            monkeypatch.setattr(kernel, "compiled", compiled)
            places = json.Places()
            written.append((json.encode(report, places), places.exchanges, places.connections))
    assert written[0] == written[1]
