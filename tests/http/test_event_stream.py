"""Streams of events: their number, the protocol in them, its closing event, and an error in their middle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.http.event_stream import MOST_KEPT, EventReader, reader_of
from tests.http.talk import GET, SERVER, Talk
from tests.http.talk2 import Pair, exchanges

if TYPE_CHECKING:
    from plainwire.model import EventStream

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = 'data: {"object":"chat.completion.chunk","choices":[{"delta":{},"finish_reason":null}]}\n\n'
LAST = 'data: {"object":"chat.completion.chunk","choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'


def named(name: str, **members: object) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **members})}\n\n"


def read(text: str, step: int = 1 << 20) -> EventStream:
    """Byte n stands in packet n, as far as ``step`` allows."""
    reader, data = EventReader(), text.encode()
    for at in range(0, len(data), step):
        part = data[at : at + step]
        if reader.feed(part):
            reader.place(at + len(part), at + len(part))
    return reader.facts


def chunked(*parts: str) -> list[bytes]:
    return [f"{len(part.encode()):x}\r\n{part}\r\n".encode() for part in parts]


@given(st.lists(st.sampled_from(["data: x", "id: 7", ": note", ""]), max_size=30), st.data())
def test_events_are_counted_however_their_lines_end_and_are_cut(
    lines: list[str], data: st.DataObject
) -> None:
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    events, comments = 0, 0
    block: list[str] = []
    for line in lines:
        if line:
            block.append(line)
            continue
        fields = any(not each.startswith(":") for each in block)
        events += fields
        comments += bool(block) and not fields
        block = []
    text = "".join(line + end for line in lines)
    facts = read(text, data.draw(st.integers(1, max(1, len(text)))))
    assert (facts.events, facts.heartbeats) == (events, comments)


@pytest.mark.parametrize(
    ("dialect", "begin", "end"),
    [
        ("OpenAI chat completions", CHUNK, "data: [DONE]\n\n"),
        ("OpenAI chat completions", CHUNK, LAST),
        ("OpenAI responses", named("response.created"), named("response.completed")),
        ("OpenAI responses", named("response.created"), named("response.incomplete")),
        ("OpenAI assistants", named("thread.run.created"), "event: done\ndata: [DONE]\n\n"),
        ("Anthropic messages", named("message_start"), named("message_stop")),
        (
            "Gemini",
            'data: {"candidates": [{"content": {}}]}\n\n',
            'data: {"candidates": [{"finishReason": "STOP"}]}\n\n',
        ),
        ("Cohere chat", named("message-start"), named("message-end")),
        ("AG-UI", 'data: {"type":"RUN_STARTED"}\n\n', 'data: {"type":"RUN_FINISHED"}\n\n'),
        ("AI SDK", 'data: {"type":"start"}\n\n', 'data: {"type":"finish"}\n\n'),
        ("GraphQL over SSE", 'event: next\ndata: {"data":{"a":1}}\n\n', "event: complete\ndata:\n\n"),
    ],
)
def test_a_protocol_is_known_by_its_events_and_whole_with_its_closing_one(
    dialect: str, begin: str, end: str
) -> None:
    unfinished = read(begin + begin)
    assert (unfinished.dialect, unfinished.closing_packet) == (dialect, None)
    finished = read(begin + end, 7)
    assert (finished.dialect, finished.closing_packet is None, finished.error) == (dialect, False, "")


def test_events_of_no_known_protocol_have_no_closing_one() -> None:
    facts = read('event: update\ndata: {"price": 7, "type": "quote"}\n\n' * 3)
    assert (facts.events, facts.dialect, facts.closing_packet, facts.error_packet) == (3, "", None, None)


@pytest.mark.parametrize(
    "event",
    [
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        'data: {"error":{"message":"Overloaded","code":529}}\n\n',
        'data: {"type":"error","message":"Overloaded"}\n\n',
        'data: {"error":"Overloaded"}\n\n',
        "event: error\ndata: Overloaded\n\n",
        'event: response.failed\ndata: {"response":{"error":{"code":"Overloaded"}}}\n\n',
    ],
)
def test_an_event_that_reports_an_error_is_kept_in_its_words(event: str) -> None:
    facts = read(CHUNK + event + CHUNK, 5)
    assert "Overloaded" in facts.error
    assert facts.error_packet is not None
    assert len(CHUNK + event) - 5 <= facts.error_packet <= len(CHUNK + event) + 5


@pytest.mark.parametrize(
    "event",
    [
        'data: {"error":null,"choices":[]}\n\n',
        'data: {"type":"log","level":"error","text":"no \\"error\\" of the stream"}\n\n',
        'data: {"usage":{"error":{"rate":0}}}\n\n',
        "data: error\n\n",
        'data: {"error": not json\n\n',
    ],
)
def test_an_event_that_only_mentions_errors_reports_none(event: str) -> None:
    assert read(event).error_packet is None


def test_comments_and_pings_are_heartbeats() -> None:
    assert read(": keep-alive\n\nevent: ping\ndata: {}\n\ndata: x\n\n").heartbeats == 2


def test_of_an_endless_line_only_the_beginning_is_kept() -> None:
    reader = EventReader()
    reader.feed(b"data: ")
    for _ in range(100):
        reader.feed(b"x" * MOST_KEPT)
    assert len(reader._carry) <= MOST_KEPT
    reader.feed(b"\n\n")
    assert reader.facts.events == 1


def test_in_http1_the_closing_event_and_the_error_have_the_packets_that_carried_them() -> None:
    error = 'data: {"error":{"message":"boom"}}\n\n'
    talk = Talk().client(GET).server(HEAD)
    for part in chunked(CHUNK, error, "data: [DONE]\n\n"):
        talk.server(part)
    (exchange,) = talk.server(b"0\r\n\r\n").close(SERVER, "fin").read()
    assert exchange.response
    facts = exchange.response.event_stream
    assert facts
    assert (facts.events, facts.error_packet, facts.closing_packet) == (3, 4, 5)


def test_in_http2_too() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.server.send_headers(stream, [(":status", "200"), ("content-type", "text/event-stream")])
    pair.pass_on()
    for part in (named("message_start"), named("message_stop")):
        pair.server.send_data(stream, part.encode())
        pair.pass_on()
    (exchange,) = exchanges(pair.talk)
    assert exchange.response
    facts = exchange.response.event_stream
    assert facts
    assert (facts.dialect, facts.events) == ("Anthropic messages", 2)
    assert facts.closing_packet == exchange.response.last_packet


def test_pauses_between_parts_are_measured_and_the_last_byte_is_dated() -> None:
    reader = EventReader()
    for at, part in ((5, b"data: a\n\n"), (905, b": still here\n\n"), (1000, b"data: b\n\n")):
        assert reader.feed(part)
        reader.place(at, at)
    assert (reader.facts.last_ns, reader.facts.longest_pause_ns) == (1000, 900)


@pytest.mark.parametrize(
    ("lines", "dialect", "error", "closed"),
    [
        (b'{"model":"l","response":"x","done":false}\n{"model":"l","done":true}\n', "Ollama", "", True),
        (
            b'{"model":"l","done":false}\n{"error":"runner ended"}\n',
            "Ollama",
            '{"error":"runner ended"}',
            False,
        ),
        (b'{"id":1,"error":"timeout","host":"a"}\n{"id":2}\n', "", "", False),
        (b"1\n[2]\nno JSON\n", "", "", False),
    ],
)
def test_lines_of_json_are_events(lines: bytes, dialect: str, error: str, *, closed: bool) -> None:
    reader = reader_of("application/x-ndjson; charset=utf-8")
    assert reader is not None
    assert reader.feed(lines)
    reader.place(7, 700)
    facts = reader.facts
    assert (facts.dialect, facts.error) == (dialect, error)
    assert (facts.closing_packet is not None) == closed
    assert facts.events == lines.count(b"\n")


def test_other_types_are_no_streams_of_events() -> None:
    assert reader_of("application/json") is None
