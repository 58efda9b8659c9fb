"""HTTP Archives: by Chrome's rules, by another reader, and without secrets."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

from haralyzer import HarParser

from plainwire.export import har
from plainwire.model import Side, WebSocket, WebSocketFrame, WebSocketMessage

if TYPE_CHECKING:
    from plainwire.model import Report


def exported(report: Report) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(b"".join(har.encoded(report, "1.2.3")))
    return whole


def number(value: object) -> None:
    """JavaScript's Number(): an absent or null number would be NaN or 0, which nobody meant."""
    assert isinstance(value, (int, float))
    assert math.isfinite(value)


def follow_the_rules_of_chrome(log: dict[str, Any]) -> None:
    """What DevTools' importer casts and demands (front_end/models/har/HARFormat.ts)."""
    assert isinstance(log["version"], str)
    assert isinstance(log["creator"]["name"], str)
    for entry in log["entries"]:
        dt.datetime.fromisoformat(entry["startedDateTime"])
        request, response, timings = entry["request"], entry["response"], entry["timings"]
        numbers = [entry["time"], *(timings[name] for name in ("send", "wait", "receive"))]
        numbers += [timings[name] for name in ("blocked", "dns", "connect", "ssl")]
        numbers += [
            request["headersSize"],
            request["bodySize"],
            response["status"],
            response["_transferSize"],
        ]
        numbers += [response["headersSize"], response["bodySize"], response["content"]["size"]]
        for value in numbers:
            number(value)
        for message in (request, response):
            assert isinstance(message["httpVersion"], str)
            for pairs in (message["headers"], message["cookies"]):
                assert all(isinstance(pair["name"], str) and isinstance(pair["value"], str) for pair in pairs)
        assert isinstance(response["content"]["mimeType"], str)
        assert isinstance(response["redirectURL"], str)


def test_chromes_importer_takes_it(report: Report) -> None:
    follow_the_rules_of_chrome(exported(report)["log"])


def test_messages_of_a_websocket_are_in_it_as_chrome_has_them_without_secrets(report: Report) -> None:
    second = 1_000_000_000
    exchange = report.exchanges[0]
    frame = WebSocketFrame(
        Side.SERVER, 9, fin=True, rsv=0, masked=False, size=1, packet=8, time_ns=2 * second
    )
    exchange.websocket = WebSocket([frame])
    exchange.websocket.kept = [
        WebSocketMessage(Side.SERVER, 2, 9, 3 * second, b"\xff\x00"),
        WebSocketMessage(Side.CLIENT, 1, 7, second, b'{"token": "hunter2", "page": 2}'),
    ]
    first = exported(report)["log"]["entries"][0]
    assert first["_resourceType"] == "websocket"
    told = [(m["type"], m["time"], m["opcode"]) for m in first["_webSocketMessages"]]
    assert told == [("send", 1.0, 1), ("receive", 2.0, 9), ("receive", 3.0, 2)]
    text, _, binary = (m["data"] for m in first["_webSocketMessages"])
    assert '"page"' in text
    assert "hunter2" not in text
    assert binary == ""


def test_another_reader_finds_the_same(report: Report) -> None:
    entries = list(HarParser(exported(report)).har_data["entries"])
    assert [(e["request"]["method"], e["response"]["status"]) for e in entries] == [
        ("GET", 200),
        ("PUT", 0),
        ("PUT", 201),
    ]


def test_a_failed_exchange_has_status_0_our_code_and_its_packets(report: Report) -> None:
    entry = exported(report)["log"]["entries"][1]
    assert (entry["response"]["status"], entry["response"]["statusText"]) == (0, "reset-mid-request")
    assert (entry["_error"], entry["_connectionId"], entry["_outcome"]) == (
        "reset-mid-request",
        2,
        "unanswered",
    )
    request = report.exchanges[1].request
    assert request is not None
    assert entry["_packets"] == {"request": [request.packet, request.last_packet], "response": None}
    assert entry["comment"].startswith("reset-mid-request: ")


def test_the_time_is_the_sum_of_the_phases(report: Report) -> None:
    """Section "timings" of the specification; ``ssl`` is part of ``connect``."""
    for entry in exported(report)["log"]["entries"]:
        parts = {name: value for name, value in entry["timings"].items() if name != "ssl" and value >= 0}
        assert entry["time"] == sum(parts.values())


def test_secrets_are_hidden_in_bodies_too_and_everything_else_is_there(report: Report) -> None:
    text = json.dumps(exported(report))
    assert "hunter2" not in text
    first, second, third = exported(report)["log"]["entries"]
    assert first["response"]["content"] == {"size": 3, "mimeType": "text/plain", "text": "yes"}
    assert first["response"]["cookies"] == [{"name": "id", "value": "[redacted]"}]
    assert {"name": "page", "value": "2"} in first["request"]["queryString"]
    assert second["request"]["postData"]["text"] == '{"password": "[redacted]"}\n'
    assert third["response"]["redirectURL"] == "/doc/1?sig=[redacted]"
