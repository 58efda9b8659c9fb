"""Reports of ``reports.json`` as values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plainwire.model import (
    Connection,
    Coverage,
    Endpoint,
    Evidence,
    Exchange,
    Finding,
    ProgramConnection,
    Report,
    Request,
    Response,
)

FOLDER = Path(__file__).parent
WIDTHS = (80, 100)
GOLDEN = (
    "botocore-slowdown-503-hidden",
    "accept-queue-full-python",
    "gateway-502-upstream-keepalive",
    "direct-untrusted-ca",
    "idle-nlb-reset-h1",
)


def stored() -> dict[str, Report]:
    """All of them, by name."""
    read: dict[str, Any] = json.loads((FOLDER / "reports.json").read_text(encoding="utf-8"))
    return {name: _report(one) for name, one in read.items()}


def _report(read: dict[str, Any]) -> Report:
    connections = [_connection(one) for one in read["connections"]]
    exchanges = [_exchange(one) for one in read["exchanges"]]
    findings = [_finding(one) for one in read["findings"]]
    return Report(Coverage(packets_dropped=0), connections, exchanges, [], findings)


def _connection(read: dict[str, Any]) -> Connection:
    client, server = (_endpoint(read[side]) for side in ("client", "server"))
    made = Connection(read["id"], client, server, 1, _ns(read["opened"]), established=True)
    if read["program"] is not None:
        made.program = ProgramConnection(1, 1, read["program"])
    return made


def _endpoint(text: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    return Endpoint(host.strip("[]"), int(port))


def _exchange(read: dict[str, Any]) -> Exchange:
    asked, answered = read["request"], read["response"]
    request = response = None
    if asked is not None:
        request = Request(asked["method"], asked["target"], "HTTP/1.1", [], 0, 0, packet=asked["packet"])
        request.time_ns = _ns(asked["time"])
    if answered is not None:
        response = Response(answered["status"], "", "HTTP/1.1", [], 0, 0, packet=answered["packet"])
        response.time_ns = _ns(answered["time"])
    return Exchange(read["id"], read["connection"], 1, request, response, read["outcome"])


def _finding(read: dict[str, Any]) -> Finding:
    return Finding(
        read["code"],
        read["claim"],
        read["fault"],
        read["certainty"],
        read["exchanges"],
        read["connections"],
        [Evidence(one["packet"], one["says"]) for one in read["evidence"]],
        "",
        runner_up=read["runner_up"],
        retry_safe=read["retry_safe"],
        advice_client=read["advice"]["client"],
        advice_server=read["advice"]["server"],
        failure=read["failure"],
        program_says=read["program_says"],
        retry_useful=read["retry_useful"],
    )


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000) * 1_000
