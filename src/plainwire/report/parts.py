"""What only some connections and exchanges have, for the JSON report and for exchange N in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainwire.model import Response, Side
from plainwire.plurals import count
from plainwire.report import redact
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import (
        Connection,
        Content,
        EventStream,
        Exchange,
        Request,
        StreamEvent,
        TlsInfo,
        WebSocketPing,
    )

MOST_EVENTS = 1_000
MOST_FRAMES = 1_000
"""Events of a connection and frames of a WebSocket that a report lists; it counts all."""

MOST_PINGS = 20
"""PINGs of a WebSocket that a report lists: the last ones."""

_LAST_WORDS = ("goaway", "connection_close")
"""Events that a report always lists."""

_SIDES = ("client", "server")
_OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}


def of_connection(connection: Connection) -> dict[str, Any]:
    """Return the fields that a plain TCP connection with one TLS session does not have."""
    fields: dict[str, Any] = {}
    if connection.inner_tls:
        fields["inner_tls"] = [tls(info) for info in connection.inner_tls]
    lookup = connection.lookup
    if lookup is not None and lookup.answered_ns is not None:
        fields["lookup"] = {
            "name": lookup.name,
            "server": lookup.server,
            "asked": lookup.sent[0][1] / 1e9,
            "answered": lookup.answered_ns / 1e9,
            "packets": [lookup.sent[0][0], lookup.answer],
        }
    if connection.tunnels:
        fields["tunnels"] = [
            {
                "kind": t.kind,
                "target": redact.authority(t.target),
                "packet": t.packet,
                "refused": redact.line(t.refused) or None,
            }
            for t in connection.tunnels
        ]
    if connection.duplicates:
        fields["duplicates"] = connection.duplicates
    if connection.conflicting:
        fields["conflicting"] = connection.conflicting
    if connection.icmp_errors:
        fields["icmp_errors"] = [
            {
                "packet": e.packet,
                "time": e.time_ns / 1e9,
                "sender": e.sender,
                "type": e.type,
                "code": e.code,
                "says": e.says,
            }
            for e in connection.icmp_errors
        ]
    if connection.events:
        fields["events"] = [
            _event(e) for n, e in enumerate(connection.events) if n < MOST_EVENTS or e.kind in _LAST_WORDS
        ]
        fields["events_in_all"] = len(connection.events)
    if connection.quic is not None:
        quic = connection.quic
        idle = quic.idle_timeout_ns
        fields["quic"] = {
            "version": quic.version,
            "first_version": quic.first_version or None,
            "retried": quic.retried,
            "idle_timeout": None if idle is None else idle / 1e9,
            "missing_packets": quic.missing_packets,
            "paths": [[str(client), str(server)] for client, server in quic.paths],
        }
    return fields


def tls(info: TlsInfo) -> dict[str, Any]:
    """Return what a TLS handshake said; what is rare only where it is so."""
    fields: dict[str, Any] = {
        "version": info.version,
        "cipher_suite": info.cipher_suite,
        "alpn": info.alpn,
        "server_name": info.server_name,
        "resumed": info.resumed,
        "began": None if info.began_ns is None else info.began_ns / 1e9,
        "finished": None if info.finished_ns is None else info.finished_ns / 1e9,
    }
    if info.early_data:
        fields["early_data"] = info.early_data
    if info.hello_retry:
        fields["hello_retry"] = True
    if info.renegotiations:
        fields["renegotiations"] = info.renegotiations
    return fields


def of_exchange(exchange: Exchange) -> dict[str, Any]:
    """Return the fields that an exchange of HTTP/1.x that came through no tunnel does not have."""
    fields: dict[str, Any] = {}
    if exchange.via is not None:
        fields["via"] = exchange.via.id
    if exchange.pushed:
        fields["pushed"] = True
    if exchange.reset is not None:
        fields["reset"] = _event(exchange.reset)
    grpc = exchange.grpc
    if grpc is not None:
        fields["grpc"] = {
            "method": redact.target(grpc.method),
            "status": grpc.status,
            "message": redact.line(grpc.message),
            "messages": grpc.messages,
            "largest": grpc.largest,
            "timeout": None if grpc.timeout_ns is None else grpc.timeout_ns / 1e9,
        }
    websocket = exchange.websocket
    if websocket is not None:
        fields["websocket"] = {
            "frames": [
                {
                    "from": _SIDES[f.side],
                    "opcode": f.opcode,
                    "fin": f.fin,
                    "size": f.size,
                    "packet": f.packet,
                    "time": f.time_ns / 1e9,
                }
                for f in websocket.frames[:MOST_FRAMES]
            ],
            "frames_in_all": websocket.counts,
            "messages": websocket.messages,
            "sizes": websocket.sizes,
            "close_codes": websocket.close_codes,
            "close_reasons": [None if c is None else redact.quote(c.reason) for c in websocket.closes],
            "pings": [_ping(p) for p in websocket.pings[-MOST_PINGS:]],
            "compressed": websocket.compressed,
            "defects": redact.lines(websocket.defects),
        }
    return fields


def event_stream(found: EventStream) -> dict[str, Any]:
    """Return what the events of a ``text/event-stream`` say of it."""
    return {
        "dialect": found.dialect or None,
        "heartbeats": found.heartbeats,
        "closing_packet": found.closing_packet,
        "error": None
        if found.error_packet is None
        else {"packet": found.error_packet, "says": redact.quote(found.error)},
    }


def _ping(ping: WebSocketPing) -> dict[str, Any]:
    return {
        "from": _SIDES[ping.side],
        "packet": ping.packet,
        "time": ping.time_ns / 1e9,
        "pong_packet": ping.pong_packet,
        "pong_time": None if ping.pong_ns is None else ping.pong_ns / 1e9,
    }


def content(found: Content) -> dict[str, Any]:
    """Return what undoing the content codings of a body gave."""
    return {
        "codings": redact.lines(found.codings),
        "decoded_size": found.decoded_size,
        "complete": found.complete,
        "defect": found.defect or None,
    }


def _event(event: StreamEvent) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "from": _SIDES[event.side],
        "time": event.time_ns / 1e9,
        "packet": event.packet,
        "stream": event.stream,
        "code": event.code,
        "name": event.name or None,
        **({"last_stream": event.last_stream} if event.last_stream is not None else {}),
        **({"detail": redact.line(event.detail)} if event.detail else {}),
    }


def exchange_lines(exchange: Exchange) -> Iterator[str]:
    """Yield the same for reading, safe to print."""
    if exchange.stream is not None:
        yield f"{exchange.protocol}, stream {exchange.stream}" + (", pushed" if exchange.pushed else "")
    if exchange.via is not None:
        yield f"through the tunnel of exchange {exchange.via.id}"
    if exchange.reset is not None:
        yield f"stream reset: {_event_line(exchange.reset)}"
    grpc = exchange.grpc
    if grpc is not None:
        status = "no status" if grpc.status is None else f"status {grpc.status}"
        said = f": {redact.quote(grpc.message)}" if grpc.message else ""
        sent, got = grpc.messages
        method = printable(redact.target(grpc.method), 200)
        yield f"gRPC {method}: {status}{said}; {count(sent, 'message')} sent, {got} received"
    if exchange.websocket is not None:
        yield from _websocket_lines(exchange)


def _websocket_lines(exchange: Exchange) -> Iterator[str]:
    websocket = exchange.websocket
    if websocket is None:
        return
    packed = ", compressed" if websocket.compressed else ""
    yield f"WebSocket{packed}"
    for side in Side:
        code = websocket.close_codes[side]
        close = websocket.closes[side]
        reason = f" ({redact.quote(close.reason)})" if close is not None and close.reason else ""
        closed = "" if code is None else f", close code {code}{reason}"
        frames, messages = websocket.counts[side], websocket.messages[side]
        counts = f"{count(frames, 'frame')}, {count(messages, 'message')}"
        yield f"  from the {_SIDES[side]}: {counts}, {count(websocket.sizes[side], 'byte')}{closed}"
    for frame in websocket.frames[:20]:
        name = _OPCODES.get(frame.opcode, f"opcode {frame.opcode}")
        more = "" if frame.fin else ", to be continued"
        size = count(frame.size, "byte")
        yield f"  packet {frame.packet}: {name} from the {_SIDES[frame.side]}, {size}{more}"
    if sum(websocket.counts) > 20:
        yield f"  and {sum(websocket.counts) - 20} more frames"
    for ping in websocket.pings[-MOST_PINGS:]:
        if ping.pong_packet is None:
            yield f"  packet {ping.packet}: the {_SIDES[ping.side]}'s ping, never answered"
    for defect in websocket.defects:
        yield f"  breaks the rules: {printable(redact.line(defect))}"


def content_lines(message: Request | Response) -> Iterator[str]:
    """Yield what is known of a message's content beyond its size."""
    found = message.content
    if found is not None:
        defect = f"; {printable(found.defect)}" if found.defect else ""
        codings = printable(redact.line(", ".join(found.codings)), 60)
        yield f"  content coding {codings}: {count(found.decoded_size, 'byte')} decoded{defect}"
    events = message.event_stream if isinstance(message, Response) else None
    if events is not None:
        kind = f" of {events.dialect}" if events.dialect else ""
        yield f"  an event stream{kind}, {count(events.events, 'event')} so far"
    if events is not None and events.error_packet is not None:
        yield f"  packet {events.error_packet}: an event reports an error: {redact.quote(events.error)}"


def connection_lines(connection: Connection) -> Iterator[str]:
    """Yield tunnels, inner TLS sessions, ICMP errors, and how HTTP/2, HTTP/3 or QUIC ended."""
    if connection.duplicates:
        yield f"  {count(connection.duplicates, 'packet', 'was')} captured more than once"
    if connection.conflicting:
        packets = ", ".join(map(str, connection.conflicting[:5]))
        yield f"  packets {packets}: not the same bytes as an earlier copy; the first copy counts"
    for tunnel in connection.tunnels:
        target = f" to {printable(redact.authority(tunnel.target), 100)}" if tunnel.target else ""
        refused = f": {printable(redact.line(tunnel.refused))}" if tunnel.refused else ""
        yield f"  packet {tunnel.packet}: {tunnel.kind}{target}{refused}"
    for info in connection.inner_tls:
        facts = (info.version, info.cipher_suite, info.server_name, "resumed" if info.resumed else None)
        yield "  inside: " + ", ".join(printable(str(fact)) for fact in facts if fact)
    for error in connection.icmp_errors[:10]:
        yield f"  packet {error.packet}: ICMP from {error.sender}: {error.says}"
    for event in connection.events:
        if event.kind in _LAST_WORDS:
            yield f"  {_event_line(event)}"


def _event_line(event: StreamEvent) -> str:
    code = "" if event.code is None else f" {printable(event.name) or event.code}"
    last = "" if event.last_stream is None else f", last stream {event.last_stream}"
    detail = f" ({printable(redact.line(event.detail), 120)})" if event.detail else ""
    return f"packet {event.packet}: {event.kind} from the {_SIDES[event.side]}{code}{last}{detail}"
