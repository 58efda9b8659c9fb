"""Messages with planted secrets as captures: in HTTP/1.1, HTTP/2 (in clear text) and HTTP/3."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import h2.config
import h2.connection
from aioquic.h3.connection import H3Connection

from plainwire.model import Side
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.builders.packets import ipv4
from tests.quic.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plainwire.model import Endpoint
    from tests.report.redact.planted import Message, Pairs

CLIENT, SERVER = Side.CLIENT, Side.SERVER
_AUTHORITY = "storage.example"
_H3_INTERNAL_ERROR = 0x102


def http1(folder: Path, messages: Sequence[Message]) -> tuple[Path, list[Path]]:
    """Connections of 20 exchanges; the last one's last request is reset."""
    packets = []
    for number, start in enumerate(range(0, len(messages), 20)):
        wire = Conversation(client=("192.0.2.7", 40000 + number)).open()
        part = messages[start : start + 20]
        for message in part:
            wire.send(CLIENT, _request1(message))
            if message is not messages[-1]:
                wire.send(SERVER, _response1(message))
        if part[-1] is messages[-1]:
            wire.rst(SERVER)
        packets += wire.packets
    path = folder / "h1.pcap"
    path.write_bytes(pcap(packets))
    return path, []


def _request1(message: Message) -> bytes:
    body = message.body.encode()
    length = [("Content-Length", str(len(body)))] if body else []
    return _head(f"POST {message.target} HTTP/1.1", [("Host", _AUTHORITY), *message.headers, *length]) + body


def _response1(message: Message) -> bytes:
    body = message.answer_body.encode()
    head = _head("HTTP/1.1 200 OK", [*message.answer, ("Transfer-Encoding", "chunked")])
    chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
    return head + chunk + b"0\r\n" + _lines(message.trailers) + b"\r\n"


def _head(start: str, fields: Pairs) -> bytes:
    return start.encode() + b"\r\n" + _lines(fields) + b"\r\n"


def _lines(fields: Pairs) -> bytes:
    return b"".join(f"{name.title()}: {value}\r\n".encode() for name, value in fields)


def http2(folder: Path, messages: Sequence[Message]) -> tuple[Path, list[Path]]:
    """One connection with prior knowledge (RFC 9113 section 3.3)."""
    wire = Conversation(client=("192.0.2.8", 50000)).open()
    client, server = (h2.connection.H2Connection(_as_it_is(client_side=first)) for first in (True, False))
    client.initiate_connection()
    server.initiate_connection()
    for number, message in enumerate(messages):
        stream = 2 * number + 1
        client.send_headers(stream, _request2(message), end_stream=not message.body)
        if message.body:
            client.send_data(stream, message.body.encode(), end_stream=True)
        _carry(wire, client, server)
        server.send_headers(stream, [(":status", "200"), *message.answer])
        server.send_data(stream, message.answer_body.encode(), end_stream=not message.trailers)
        if message.trailers:
            server.send_headers(stream, message.trailers, end_stream=True)
        _carry(wire, client, server)
    wire.fin(CLIENT).fin(SERVER)
    path = folder / "h2.pcap"
    path.write_bytes(pcap(wire.packets))
    return path, []


def _as_it_is(*, client_side: bool) -> h2.config.H2Configuration:
    """Header fields go out as they are given."""
    return h2.config.H2Configuration(
        client_side=client_side,
        header_encoding="utf-8",
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
    )


def _carry(
    wire: Conversation, client: h2.connection.H2Connection, server: h2.connection.H2Connection
) -> None:
    for _ in range(4):
        up, down = client.data_to_send(), server.data_to_send()
        if up:
            wire.send(CLIENT, up)
            server.receive_data(up)
        if down:
            wire.send(SERVER, down)
            client.receive_data(down)


def _request2(message: Message) -> Pairs:
    pseudo = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", _AUTHORITY),
        (":path", message.target),
    ]
    return [*pseudo, *message.headers]


def http3(folder: Path, messages: Sequence[Message], *, failing: bool = False) -> tuple[Path, list[Path]]:
    """One connection, with its key log; ``failing``: the server resets the stream of the last answer."""
    talk = Talk().connect()
    client, server = H3Connection(talk.client), H3Connection(talk.server)
    talk.run()
    for message in messages:
        stream = talk.client.get_next_available_stream_id()
        client.send_headers(stream, _binary(_request2(message)), end_stream=not message.body)
        if message.body:
            client.send_data(stream, message.body.encode(), end_stream=True)
        talk.run()
        if failing and message is messages[-1]:
            talk.server.reset_stream(stream, _H3_INTERNAL_ERROR)
            talk.run()
            break
        server.send_headers(stream, _binary([(":status", "200"), *message.answer]))
        server.send_data(stream, message.answer_body.encode(), end_stream=not message.trailers)
        if message.trailers:
            server.send_headers(stream, _binary(message.trailers), end_stream=True)
        talk.run()
    path, keys = folder / "h3.pcap", folder / "h3.keys"
    path.write_bytes(pcap([_datagram(*sent[:3]) for sent in talk.wire]))
    keys.write_bytes(talk.key_log)
    return path, [keys]


def _binary(fields: Pairs) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in fields]


def _datagram(data: bytes, source: Endpoint, target: Endpoint) -> bytes:
    """A UDP datagram (RFC 768) without a checksum."""
    head = struct.pack(">HHHH", source.port, target.port, 8 + len(data), 0)
    return ipv4(source.address, target.address, head + data, protocol=17)
