"""Captures to share, with secrets planted in them: in TLS, compressed, chunked, over several connections."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import brotli
import zstandard

from plainwire.model import Side
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.report.redact import planted
from tests.tls.live import Live, contexts

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from pathlib import Path

    from tests.report.redact.planted import Message

CLIENT, SERVER = Side.CLIENT, Side.SERVER
CODINGS = ("", "gzip", "br", "zstd", "deflate")


def encrypted(folder: Path, messages: Sequence[Message], version: ssl.TLSVersion) -> tuple[Path, list[Path]]:
    """Connections of 20 exchanges over TLS, whose responses are compressed and in small chunks.

    The last request is reset without an answer. One that is closed without a request follows.
    """
    packets, key_logs = [], []
    client, server = contexts(version)
    for number, start in enumerate(range(0, len(messages), 20)):
        live = Live(client, server)
        part = messages[start : start + 20]
        for place, message in enumerate(part):
            live.say(CLIENT, _request(message))
            if message is not messages[-1]:
                live.say(SERVER, _response(message, CODINGS[place % len(CODINGS)]))
        wire = Conversation(client=("192.0.2.9", 41000 + number)).open()
        for side, data in live.wire:
            wire.send(side, data)
        if part[-1] is messages[-1]:
            wire.rst(SERVER)
        else:
            wire.fin(CLIENT).fin(SERVER)
        packets += wire.packets
        key_logs.append(live.key_log)
    path, keys = folder / "tls.pcap", folder / "tls.keys"
    path.write_bytes(pcap(packets))
    keys.write_bytes(b"".join(key_logs))
    return path, [keys]


def _request(message: Message) -> bytes:
    body = message.body.encode()
    lines = [f"POST {message.target} HTTP/1.1", "Host: storage.example"]
    lines += [f"{name.title()}: {value}" for name, value in message.headers]
    lines += ["Transfer-Encoding: chunked"] if body else ["Content-Length: 0"]
    return "\r\n".join([*lines, "", ""]).encode() + (_chunked(body) if body else b"")


def _response(message: Message, coding: str) -> bytes:
    body = coded(coding, (message.answer_body or "nothing").encode())
    lines = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"]
    lines += [f"Content-Encoding: {coding}"] * bool(coding)
    lines += [f"{name.title()}: {value}" for name, value in message.answer]
    trailers = "".join(f"{name.title()}: {value}\r\n" for name, value in message.trailers).encode()
    return "\r\n".join([*lines, "", ""]).encode() + _chunked(body, trailers)


def coded(coding: str, body: bytes) -> bytes:
    match coding:
        case "gzip":
            return gzip.compress(body)
        case "br":
            return bytes(brotli.compress(body))
        case "zstd":
            return zstandard.compress(body)
        case "deflate":
            return zlib.compress(body)
    return body


def _chunked(body: bytes, trailers: bytes = b"") -> bytes:
    parts = [body[at : at + 7] for at in range(0, len(body), 7)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n" + trailers + b"\r\n"


def secret_forms(messages: Sequence[Message]) -> dict[bytes, str]:
    """Each planted secret in the forms that give it away."""
    return {
        form.encode(): secret
        for message in messages
        for secret in message.secrets
        for form in planted.forms(secret)
    }
