"""Chrome's trace events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from plainwire.export import trace
from tests.http import talk2

if TYPE_CHECKING:
    from plainwire.model import Report


def events(report: Report) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(b"".join(trace.encoded(report)))["traceEvents"]
    return found


def test_each_connection_is_a_track_with_its_handshakes_and_requests(report: Report) -> None:
    spans = [(event["tid"] // 1000, event["name"]) for event in events(report) if event["ph"] == "X"]
    assert (1, "TCP handshake") in spans
    assert (1, "TLS handshake") in spans
    assert [(track, name.split()[0]) for track, name in spans if "handshake" not in name] == [
        (1, "GET"),
        (2, "PUT"),
        (3, "PUT"),
    ]


def test_an_arrow_leads_from_the_failure_to_the_retry(report: Report) -> None:
    start, end = (event for event in events(report) if event["name"] == "retry")
    assert (start["ph"], start["tid"] // 1000) == ("s", 2)
    assert (end["ph"], end["tid"] // 1000) == ("f", 3)
    assert start["ts"] <= end["ts"]


def test_times_are_counted_from_the_first_packet_and_secrets_are_hidden(report: Report) -> None:
    assert min(event["ts"] for event in events(report) if "ts" in event) == 0
    assert b"hunter2" not in b"".join(trace.encoded(report))


def test_spans_of_one_track_do_not_overlap(report: Report) -> None:
    """Viewers draw spans that overlap without being inside each other as if they were: streams of HTTP/2."""
    pair = talk2.Pair()
    for stream in (1, 3, 5):
        pair.client.send_headers(stream, talk2.ASK, end_stream=True)
    pair.pass_on()
    for stream in (5, 1, 3):
        pair.answer(stream)
    connection = report.connections[2]
    connection.exchanges = talk2.exchanges(pair.talk)
    for exchange in connection.exchanges:
        exchange.connection = connection.id
    report.exchanges = connection.exchanges
    until: dict[int, float] = {}
    for event in sorted(
        (e for e in events(report) if e.get("cat") in {"answered", "failed"}), key=lambda e: e["ts"]
    ):
        assert event["ts"] >= until.get(event["tid"], float("-inf"))
        until[event["tid"]] = event["ts"] + event["dur"]
    assert len(until) > 1
