"""qlog of QUIC connections: draft-ietf-quic-qlog-main-schema-14, draft-ietf-quic-qlog-quic-events-14.

A trace for each connection, seen from the network with the client's flow: what the client sent is
``packet_sent``, what the server sent ``packet_received``. Only what packets show is in it: no timers, no
congestion state, no padding. Tokens, reset tokens and what streams carried are told by their lengths.

qvis reads version 0.3, whose names of events had other categories: it takes them from ``category``, the
version from ``qlog_version``, and the length of a frame from ``length``, all of which the drafts allow beside
their own.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import orjson

from plainwire.model import Side, UserError
from plainwire.quic import errors, frames, headers
from plainwire.quic.versions import Form
from plainwire.report import redact
from plainwire.report.escape import printable, printable_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from plainwire.model import Connection, Endpoint
    from plainwire.quic.frames import Frame
    from plainwire.quic.packet import Packet
    from plainwire.quic.protection import OpenedPacket

_MOST_BYTES = 512 << 20
"""Of events: they are held in memory, since packets may be read late."""
_TYPES = {
    Form.INITIAL: "initial",
    Form.HANDSHAKE: "handshake",
    Form.ZERO_RTT: "0RTT",
    Form.ONE_RTT: "1RTT",
    Form.RETRY: "retry",
    Form.VERSION_NEGOTIATION: "version_negotiation",
}
_HEAD = {
    "file_schema": "urn:ietf:params:qlog:file:contained",
    "serialization_format": "application/qlog+json",
    "qlog_version": "0.3",
    "qlog_format": "JSON",
}
_EPOCH = {"clock_type": "system", "epoch": "1970-01-01T00:00:00.000Z"}
_MOST_REASON = 256

Json = dict[str, Any]


class Qlog:
    """Watches packets (``take`` is a ``quic.packet.Watch``), and writes what it saw of ``connections``."""

    def __init__(self, connections: Iterable[Connection]) -> None:
        self._traces = {c.first_packet: _ConnectionTrace(c) for c in connections if c.quic is not None}
        self._left = _MOST_BYTES

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write of."""
        return not self._traces

    def take(self, facts: Connection, side: Side, packet: Packet, opened: OpenedPacket | None) -> None:
        """See one packet.

        Raises:
            UserError: it is too much.

        """
        trace = self._traces.get(facts.first_packet)
        if trace is None:
            return
        self._left -= trace.take(side, packet, opened)
        if self._left < 0:
            message = "these connections have too many packets: choose some (--connection N)"
            raise UserError(message)

    def written(self) -> Iterator[bytes]:
        """The file, in parts."""
        yield orjson.dumps({**_HEAD, "title": "plainwire"})[:-1] + b',"traces":['
        for number, trace in enumerate(self._traces.values()):
            yield b"," * bool(number) + b"\n"
            yield from trace.written()
        yield b"\n]}\n"


class _ConnectionTrace:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._events: list[tuple[int, bytes]] = []
        self._first_id = ""
        self._closed = False
        ends = {"local": _endpoint(connection.client), "remote": _endpoint(connection.server)}
        self._add(connection.opened_ns, "connectivity", "connection_started", ends)
        for close in connection.closes:
            if close.kind == "stateless_reset":
                said = {"initiator": _initiator(close.side), "trigger": "stateless_reset"}
                self._add(close.time_ns, "connectivity", "connection_closed", said)

    def take(self, side: Side, packet: Packet, opened: OpenedPacket | None) -> int:
        """Bytes that were kept of it."""
        header = _header(packet, opened)
        if side is Side.CLIENT and not self._first_id:
            self._first_id = header.get("dcid", "")
        data: Json = {
            "header": header,
            "raw": {"length": len(packet.data)},
            "datagram_id": packet.carrier.number,
        }
        found: list[Frame] = []
        if opened is not None:
            found, defect = frames.parse(opened.payload)
            data["frames"] = [_MAKERS[type(frame)](frame) for frame in found]
            if defect:
                data["frames"].append({"frame_type": "unknown", "details": defect})
        elif packet.form is Form.VERSION_NEGOTIATION:
            long = headers.read_long(packet.data)
            offered = headers.offered_versions(packet.data, long) if long is not None else []
            data["supported_versions"] = [f"{version:08x}" for version in offered]
        name = "packet_sent" if side is Side.CLIENT else "packet_received"
        size = self._add(packet.carrier.time_ns, "transport", name, data)
        for frame in found:
            if isinstance(frame, frames.Close) and not self._closed:
                self._closed = True
                said = {"initiator": _initiator(side), **_closing(frame)}
                size += self._add(packet.carrier.time_ns, "connectivity", "connection_closed", said)
        return size

    def _add(self, time_ns: int, category: str, name: str, data: Json) -> int:
        event = {"time": time_ns / 1e6, "name": f"quic:{name}", "category": category, "data": data}
        written = orjson.dumps(event)
        self._events.append((time_ns, written))
        return len(written)

    def written(self) -> Iterator[bytes]:
        connection = self._connection
        trace: Json = {
            "title": f"connection {connection.id}: {connection.client} to {connection.server}",
            "event_schemas": ["urn:ietf:params:qlog:events:quic-14"],
            "vantage_point": {"name": "plainwire", "type": "network", "flow": "client"},
            "common_fields": {
                "time_format": "relative_to_epoch",
                "reference_time": _EPOCH,
                "protocol_types": ["QUIC"],
                **({"group_id": self._first_id, "ODCID": self._first_id} if self._first_id else {}),
            },
        }
        if connection.undecrypted:
            reasons = "; ".join(printable(each.reason, 200) for each in connection.undecrypted)
            trace["description"] = f"Not all of its packets could be read: {reasons}"
        yield printable_json(orjson.dumps(trace))[:-1] + b',"events":['
        self._events.sort(key=lambda event: event[0])
        for number, (_, event) in enumerate(self._events):
            yield (b",\n" if number else b"\n") + printable_json(event)
        yield b"]}"


def _endpoint(endpoint: Endpoint) -> Json:
    version = ip_address(endpoint.address.partition("%")[0]).version
    return {f"ip_v{version}": endpoint.address, f"port_v{version}": endpoint.port}


def _initiator(side: Side) -> str:
    return "local" if side is Side.CLIENT else "remote"


def _header(packet: Packet, opened: OpenedPacket | None) -> Json:
    header: Json = {"packet_type": _TYPES[packet.form]}
    if opened is not None:
        header["packet_number"] = opened.number
    if packet.form is Form.ONE_RTT:
        header["dcid"] = packet.data[1 : packet.number_at].hex()
        return header
    long = headers.read_long(packet.data)
    if long is not None:
        header |= {"version": f"{long.version:08x}", "scid": long.source.hex(), "dcid": long.target.hex()}
        if long.token:
            header["token"] = {"raw": {"length": len(long.token)}}
    return header


def _ack(frame: frames.Ack) -> Json:
    ranges = [[frame.lowest, frame.largest], *map(list, frame.further)]
    return {"frame_type": "ack", "acked_ranges": ranges}


def _stream(frame: frames.Stream) -> Json:
    where = {"stream_id": frame.stream, "offset": frame.offset, "fin": frame.fin}
    return {"frame_type": "stream", **where, **_sized(len(frame.data))}


def _new_connection_id(frame: frames.NewConnectionId) -> Json:
    return {
        "frame_type": "new_connection_id",
        "sequence_number": frame.sequence,
        "retire_prior_to": frame.retire_prior_to,
        "connection_id_length": len(frame.id),
        "connection_id": frame.id.hex(),
    }


def _other(frame: frames.Other) -> Json:
    if frame.kind == "new_token":
        return {"frame_type": frame.kind, "token": {"raw": {"length": frame.number}}}
    if frame.kind == "retire_connection_id":
        return {"frame_type": frame.kind, "sequence_number": frame.number}
    return {"frame_type": frame.kind}


def _sized(size: int) -> Json:
    return {"length": size, "raw": {"length": size, "payload_length": size}}


def _unnamed(code: int) -> Json:
    """An application's error: the draft names none."""
    return {"error": "unknown", "error_code": code}


def _reset(frame: frames.ResetStream) -> Json:
    reliable = frame.reliable_size
    return {
        "frame_type": "reset_stream" if reliable is None else "reset_stream_at",
        "stream_id": frame.stream,
        **_unnamed(frame.code),
        "final_size": frame.final_size,
        **({} if reliable is None else {"reliable_size": reliable}),
    }


def _limit(frame: frames.LimitFrame) -> Json:
    kind, bound = frame.kind, "limit" if "blocked" in frame.kind else "maximum"
    made: Json = {"frame_type": kind, bound: frame.limit}
    for ending, stream_type in (("_bidi", "bidirectional"), ("_uni", "unidirectional")):
        if kind.endswith(ending):
            made |= {"frame_type": kind.removesuffix(ending), "stream_type": stream_type}
    return made if frame.stream is None else {**made, "stream_id": frame.stream}


def _transport_error(code: int) -> str:
    name = errors.transport(code)
    if 0x100 <= code <= 0x1FF:
        return f"crypto_error_0x{code:x}"
    return name.lower() if name.isupper() else "unknown"


def _reason(frame: frames.Close) -> Json:
    said = frame.reason[:_MOST_REASON].decode("utf-8", "replace")
    return {"reason": redact.line(printable(said))} if said else {}


def _close(frame: frames.Close) -> Json:
    if frame.frame is None:
        return {"error_space": "application", **_unnamed(frame.code), **_reason(frame)}
    error = _transport_error(frame.code)
    return {
        "error_space": "transport",
        "error": error,
        **({"error_code": frame.code} if error == "unknown" else {}),
        **({"trigger_frame_type": frame.frame} if frame.frame else {}),
        **_reason(frame),
    }


def _closing(frame: frames.Close) -> Json:
    told = _close(frame)
    error = told.pop("error")
    kind = "connection_error" if told.pop("error_space") == "transport" else "application_error"
    told.pop("trigger_frame_type", None)
    return {kind: error, "trigger": "application" if frame.frame is None else "error", **told}


_MAKERS: dict[type, Callable[[Any], Json]] = {
    frames.Ack: _ack,
    frames.Crypto: lambda f: {"frame_type": "crypto", "offset": f.offset, **_sized(len(f.data))},
    frames.Stream: _stream,
    frames.ResetStream: _reset,
    frames.StopSending: lambda f: {"frame_type": "stop_sending", "stream_id": f.stream, **_unnamed(f.code)},
    frames.LimitFrame: _limit,
    frames.NewConnectionId: _new_connection_id,
    frames.Close: lambda f: {"frame_type": "connection_close", **_close(f)},
    frames.DatagramFrame: lambda f: {"frame_type": "datagram", **_sized(f.size)},
    frames.Other: _other,
}
"""By kind of frame (section 8.13 of the events' draft)."""
