"""Reports as tables of rows, for those who have many: exchanges, connections, findings, signs.

A row is made from the report's JSON, so that what is hidden there is hidden here. docs/tables.md has every
column. Columns are only added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]

TABLES: dict[str, dict[str, str]] = {
    "exchanges": {
        "source": "VARCHAR",
        "id": "BIGINT",
        "connection": "BIGINT",
        "stream": "BIGINT",
        "ordinal": "BIGINT",
        "protocol": "VARCHAR",
        "method": "VARCHAR",
        "target": "VARCHAR",
        "authority": "VARCHAR",
        "status": "INTEGER",
        "outcome": "VARCHAR",
        "began": "TIMESTAMP",
        "idle_before": "DOUBLE",
        "duration": "DOUBLE",
        "request_bytes": "BIGINT",
        "response_bytes": "BIGINT",
        "request_headers": "MAP(VARCHAR, VARCHAR[])",
        "response_headers": "MAP(VARCHAR, VARCHAR[])",
        "request_packet": "BIGINT",
        "response_packet": "BIGINT",
        "findings": "VARCHAR[]",
    },
    "connections": {
        "source": "VARCHAR",
        "id": "BIGINT",
        "client": "VARCHAR",
        "server": "VARCHAR",
        "server_name": "VARCHAR",
        "transport": "VARCHAR",
        "tls_version": "VARCHAR",
        "cipher_suite": "VARCHAR",
        "alpn": "VARCHAR",
        "resumed": "BOOLEAN",
        "pid": "BIGINT",
        "command": "VARCHAR",
        "opened": "TIMESTAMP",
        "closed": "TIMESTAMP",
        "closed_by": "VARCHAR",
        "close": "VARCHAR",
        "packets": "BIGINT",
        "client_bytes": "BIGINT",
        "server_bytes": "BIGINT",
        "client_retransmissions": "BIGINT",
        "server_retransmissions": "BIGINT",
        "round_trip": "DOUBLE",
        "first_packet": "BIGINT",
        "last_packet": "BIGINT",
        "findings": "VARCHAR[]",
    },
    "findings": {
        "source": "VARCHAR",
        "code": "VARCHAR",
        "fault": "VARCHAR",
        "certainty": "VARCHAR",
        "failure": "BOOLEAN",
        "exchanges": "BIGINT[]",
        "connections": "BIGINT[]",
        "packets": "BIGINT[]",
        "client_advice": "VARCHAR",
        "server_advice": "VARCHAR",
    },
    "signs": {
        "source": "VARCHAR",
        "kind": "VARCHAR",
        "connection": "BIGINT",
        "exchange": "BIGINT",
        "packets": "BIGINT[]",
        "claimed_by": "VARCHAR",
        "says": "VARCHAR",
    },
}
"""Names of columns with their types in SQL, by table."""


def rows(report: Json, source: str) -> Iterator[tuple[str, bytes]]:
    """The rows of a report (its JSON, read), each with its table: one JSON object a line, times in us.

    ``source`` is what its rows are told from those of others by.
    """
    of_exchanges = _codes(report, "exchanges")
    of_connections = _codes(report, "connections")
    for each in report["exchanges"]:
        yield (
            "exchanges",
            _line({"source": source, **_exchange(each), "findings": of_exchanges.get(each["id"], [])}),
        )
    for each in report["connections"]:
        found = of_connections.get(each["id"], [])
        yield "connections", _line({"source": source, **_connection(each), "findings": found})
    for each in report["findings"]:
        yield "findings", _line({"source": source, **_finding(each)})
    for each in report["signs"]:
        yield (
            "signs",
            _line({"source": source, **{name: each.get(name) for name in list(TABLES["signs"])[1:]}}),
        )


def _line(row: Json) -> bytes:
    return orjson.dumps(row) + b"\n"


def _codes(report: Json, which: str) -> dict[int, list[str]]:
    """The codes of the findings that name each exchange, or each connection."""
    codes: dict[int, list[str]] = {}
    for finding in report["findings"]:
        for number in finding[which]:
            codes.setdefault(number, []).append(finding["code"])
    return codes


def _exchange(exchange: Json) -> Json:
    request, response = exchange["request"] or {}, exchange["response"] or {}
    first = request or response
    return {
        **{name: exchange[name] for name in ("id", "connection", "stream", "ordinal", "protocol", "outcome")},
        **{name: request.get(name) for name in ("method", "target", "authority")},
        "status": response.get("status"),
        "began": _microseconds(first.get("time")),
        "idle_before": exchange["idle_before"],
        "duration": exchange["duration"],
        "request_bytes": request.get("body_size"),
        "response_bytes": response.get("body_size"),
        "request_headers": _headers(request),
        "response_headers": _headers(response),
        "request_packet": request.get("packet"),
        "response_packet": response.get("packet"),
    }


def _headers(message: Json) -> dict[str, list[str]] | None:
    """Values by name in lower case; None where there is no message."""
    if not message:
        return None
    found: dict[str, list[str]] = {}
    for name, value in message["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found


def _connection(connection: Json) -> Json:
    tls, program = connection["tls"] or {}, connection["program"] or {}
    same = ("id", "client", "server", "server_name", "transport", "closed_by", "close", "packets")
    client_bytes, server_bytes = connection["bytes"]
    client_again, server_again = connection["retransmissions"]
    return {
        **{name: connection[name] for name in same},
        "tls_version": tls.get("version"),
        **{name: tls.get(name) for name in ("cipher_suite", "alpn", "resumed")},
        **{name: program.get(name) for name in ("pid", "command")},
        "opened": _microseconds(connection["opened"]),
        "closed": _microseconds(connection["closed"]),
        "client_bytes": client_bytes,
        "server_bytes": server_bytes,
        "client_retransmissions": client_again,
        "server_retransmissions": server_again,
        **{name: connection[name] for name in ("round_trip", "first_packet", "last_packet")},
    }


def _finding(finding: Json) -> Json:
    same = ("code", "fault", "certainty", "failure", "exchanges", "connections", "packets")
    advice = finding["advice"]
    return {
        **{name: finding[name] for name in same},
        "client_advice": advice["client"],
        "server_advice": advice["server"],
    }


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)
