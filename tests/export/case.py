"""A report to export: two connections of HTTP/1.1, one in TLS, with a failure that is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import pipeline
from plainwire.model import Side
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.tls.live import Live, contexts

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Report

BEGIN = 1_700_000_000_000_000_000
STEP = 1_000_000
"""ns between two packets."""

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GET = (
    b"GET /object?token=hunter2&page=2 HTTP/1.1\r\nHost: storage.example\r\nCookie: sid=hunter2\r\n"
    b"Traceparent: 00-%s-%s-01\r\nX-Markup: `|<b>*\r\n\r\n"
) % (TRACE.encode(), SPAN.encode())
DOCUMENT = b'{"password": "hunter2"}\n'
PUT = (
    b"PUT /doc HTTP/1.1\r\nHost: storage.example\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
) % (len(DOCUMENT), DOCUMENT)
OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
    b"Set-Cookie: id=hunter2; Path=/\r\n\r\nyes"
)
CREATED = b"HTTP/1.1 201 Created\r\nLocation: /doc/1?sig=hunter2\r\nContent-Length: 0\r\n\r\n"


def write(folder: Path) -> tuple[Path, Path]:
    """The capture and its key log.

    Connection 1, in TLS: GET, answered. Connection 2: PUT, reset. Connection 3: the same PUT, answered.
    """
    live = Live(*contexts())
    live.say(Side.CLIENT, GET)
    live.say(Side.SERVER, OK)
    first = Conversation(client=("192.0.2.7", 40001), segment_size=60_000).open()
    for side, data in live.wire:
        first.send(side, data)
    second = Conversation(client=("192.0.2.7", 40002), server=("203.0.113.7", 80)).open()
    second.send(Side.CLIENT, PUT).rst(Side.SERVER)
    third = Conversation(client=("192.0.2.7", 40003), server=("203.0.113.7", 80)).open()
    third.send(Side.CLIENT, PUT).send(Side.SERVER, CREATED).fin(Side.CLIENT).fin(Side.SERVER)
    capture, keys = folder / "case.pcap", folder / "case.keys"
    capture.write_bytes(pcap([*first.packets, *second.packets, *third.packets]))
    keys.write_bytes(live.key_log)
    return capture, keys


def report(folder: Path, *, bodies: bool = False) -> Report:
    capture, keys = write(folder)
    return pipeline.analyze([capture], [keys], keep_bodies=bodies)
