"""What both readings are brought to before they are compared: one ``Message`` for each thing on the wire."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

KINDS = (
    "http1.request",
    "http1.response",
    "http2.request",
    "http2.response",
    "http2.trailers",
    "http2.push_promise",
    "http2.rst_stream",
    "http3.request",
    "http3.response",
    "websocket.frame",
)
_ESCAPED = re.compile(r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[0-7]{3}|\\[abfnrtv\"'\\]|[^!-~]|[?\\]")
_LONGEST = 240


@dataclass(frozen=True, slots=True)
class Body:
    """A body's size in bytes, and its SHA-256 in hexadecimal where it is known."""

    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as plainwire or as tshark has it.

    ``ends`` are sender and receiver as ``address:port``, None where the reference does not say. ``frames``
    are the packets of its first and last byte; tshark knows one only, that in which the message was complete.
    ``bodies`` is empty where there is none, or it is not known. ``flaw`` is what
    plainwire says against it: that it is cut off, or how it breaks the protocol.
    """

    kind: str
    essence: str
    frames: tuple[int, int]
    ends: tuple[str, str] | None = None
    stream: int | None = None
    bodies: tuple[Body, ...] = ()
    flaw: str = ""

    def __str__(self) -> str:
        first, last = self.frames
        where = f"packet {last}" if first == last else f"packets {first}-{last}"
        stream = "" if self.stream is None else f" stream {self.stream}"
        return f"{self.kind}{stream} {self.essence[:100]!r} {where}"

    def holds(self, frame: int) -> bool:
        """Whether ``frame`` is one of this message's packets, as far as is known."""
        first, last = self.frames
        return first <= frame <= last


def end(address: str, port: str | int) -> str:
    """One end in one spelling: IPv6 addresses can be written in several."""
    try:
        return f"{ipaddress.ip_address(address)}:{port}"
    except ValueError:
        return f"{address}:{port}"


def plain(text: str | None) -> str:
    """Text from the wire without what the two programs write each in their own way.

    tshark escapes what does not print, or puts a question mark or a replacement character there.
    """
    return _ESCAPED.sub("", text or "")[:_LONGEST]
