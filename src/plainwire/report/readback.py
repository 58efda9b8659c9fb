"""One exchange of a JSON report as values again, as far as it is shown in full.

Secrets were hidden when the report was written, and times were rounded to what its numbers hold: about a
quarter of a microsecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainwire.model import (
    CloseEvent,
    Connection,
    Content,
    Coverage,
    Endpoint,
    EventStream,
    Evidence,
    Exchange,
    Finding,
    Gap,
    Grpc,
    IcmpError,
    ProgramConnection,
    Report,
    Request,
    Response,
    Side,
    StreamEvent,
    TlsInfo,
    Tunnel,
    WebSocket,
    WebSocketClose,
    WebSocketFrame,
    WebSocketPing,
)
from plainwire.report.escape import unescaped

if TYPE_CHECKING:
    from collections.abc import Iterable

Item = dict[str, Any]

_NOWHERE = Endpoint("", 0)


def report(connection: Item, exchange: Item, findings: Iterable[Item]) -> Report:
    """A report of one exchange, by its items in a JSON report: its connection, itself, and all findings."""
    number = exchange["id"]
    found = [_finding(item) for item in findings if number in item["exchanges"]]
    return Report(Coverage(), [_connection(connection)], [_exchange(exchange)], [], found)


def _connection(item: Item) -> Connection:
    made = Connection(
        item["id"],
        _endpoint(item["client"]),
        _endpoint(item["server"]),
        item["first_packet"],
        _ns(item["opened"]),
        last_packet=item["last_packet"],
        last_ns=_ns(item["last"]),
        packets=item["packets"],
        sizes=item["bytes"],
        retransmissions=item["retransmissions"],
        duplicates=item.get("duplicates", 0),
        conflicting=item.get("conflicting", []),
        transport=item["transport"],
        tls=None if item["tls"] is None else _tls(item["tls"]),
        inner_tls=[_tls(inner) for inner in item.get("inner_tls", ())],
        closes=[_close(close) for close in item["closes"]],
        events=[_event(event) for event in item.get("events", ())],
    )
    made.tunnels = [
        Tunnel(t["kind"], t["target"], t["packet"], t["refused"] or "") for t in item.get("tunnels", ())
    ]
    made.gaps = [Gap(_side(g["side"]), g["offset"], g["length"], g["packet"]) for g in item["gaps"]]
    made.icmp_errors = [
        IcmpError(
            e["packet"], _ns(e["time"]), e["sender"], e["type"], e["code"], e["says"], 0, _NOWHERE, _NOWHERE
        )
        for e in item.get("icmp_errors", ())
    ]
    owner = item["program"]
    if owner is not None:
        made.program = ProgramConnection(owner["pid"], owner["thread"], owner["command"])
    return made


def _endpoint(text: str) -> Endpoint:
    address, _, port = text.rpartition(":")
    return Endpoint(address.strip("[]"), int(port))


def _tls(item: Item) -> TlsInfo:
    return TlsInfo(
        version=item["version"],
        cipher_suite=item["cipher_suite"],
        alpn=item["alpn"],
        server_name=item["server_name"],
        resumed=item["resumed"],
    )


def _close(item: Item) -> CloseEvent:
    return CloseEvent(
        item["kind"],
        _side(item["from"]),
        _ns(item["time"]),
        item["packet"],
        item["offset"],
        item["acknowledges"],
        detail=item.get("detail", ""),
        repeated=item.get("repeated", False),
    )


def _exchange(item: Item) -> Exchange:
    idle, duration, via = item["idle_before"], item["duration"], item.get("via")
    made = Exchange(
        item["id"],
        item["connection"],
        item["ordinal"],
        None if item["request"] is None else _request(item["request"]),
        None if item["response"] is None else _response(item["response"]),
        item["outcome"],
        None if idle is None else _ns(idle),
        None if duration is None else _ns(duration),
        interim=[_response(interim) for interim in item.get("interim", ())],
        protocol=item["protocol"],
        stream=item["stream"],
        pushed=item.get("pushed", False),
    )
    if "reset" in item:
        made.reset = _event(item["reset"])
    if via is not None:
        made.via = Exchange(via, item["connection"], 0, None, None, "complete")
    if "grpc" in item:
        call = item["grpc"]
        made.grpc = Grpc(call["method"], call["status"], call["message"], call["messages"])
    if "websocket" in item:
        made.websocket = _websocket(item["websocket"])
    return made


def _request(item: Item) -> Request:
    return Request(item["method"], item["target"], **_message(item))


def _response(item: Item) -> Response:
    made = Response(item["status"], item["reason"], **_message(item))
    stream = item.get("event_stream")
    if stream is not None:
        made.event_stream = EventStream(item["events"], dialect=stream["dialect"] or "")
        if stream["error"] is not None:
            made.event_stream.error_packet = stream["error"]["packet"]
            made.event_stream.error = unescaped(stream["error"]["says"])
    return made


def _message(item: Item) -> Item:
    """What requests and responses have in common."""
    found = item.get("content")
    return {
        "version": item["version"],
        "headers": _fields(item["headers"]),
        "start": 0,
        "end": 0,
        "packet": item["packet"],
        "last_packet": item["last_packet"],
        "time_ns": _ns(item["time"]),
        "last_ns": _ns(item["end"]),
        "body_size": item["body_size"],
        "complete": item["complete"],
        "framing": item["framing"],
        "declared_size": item["declared_size"],
        "trailers": _fields(item.get("trailers", ())),
        "defects": item.get("defects", []),
        "content": None
        if found is None
        else Content(found["codings"], found["decoded_size"], found["complete"], found["defect"] or ""),
    }


def _websocket(item: Item) -> WebSocket:
    made = WebSocket(
        counts=item["frames_in_all"],
        messages=item["messages"],
        sizes=item["sizes"],
        close_codes=item["close_codes"],
        compressed=item["compressed"],
        defects=item["defects"],
    )
    made.frames = [
        WebSocketFrame(
            _side(f["from"]),
            f["opcode"],
            f["fin"],
            rsv=0,
            masked=False,
            size=f["size"],
            packet=f["packet"],
            time_ns=_ns(f["time"]),
        )
        for f in item["frames"]
    ]
    made.closes = [
        None if reason is None else WebSocketClose(code or 0, unescaped(reason), 0, 0)
        for code, reason in zip(item["close_codes"], item["close_reasons"], strict=True)
    ]
    made.pings = [
        WebSocketPing(_side(p["from"]), p["packet"], _ns(p["time"]), p["pong_packet"]) for p in item["pings"]
    ]
    return made


def _event(item: Item) -> StreamEvent:
    return StreamEvent(
        item["kind"],
        _side(item["from"]),
        _ns(item["time"]),
        item["packet"],
        item["stream"],
        item["code"],
        item["name"] or "",
        item.get("last_stream"),
        item.get("detail", ""),
    )


def _finding(item: Item) -> Finding:
    return Finding(
        item["code"],
        item["claim"],
        item["fault"],
        item["certainty"],
        item["exchanges"],
        item["connections"],
        [Evidence(each["packet"], each["says"]) for each in item["evidence"]],
        item["refuted_by"],
    )


def _fields(pairs: Iterable[list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs]


def _side(name: str) -> Side:
    return Side[name.upper()]


def _ns(seconds: float) -> int:
    return round(seconds * 1e6) * 1000 if seconds > 1e6 else round(seconds * 1e9)
