"""A connection of HTTP/2 whose ends are the ``h2`` library, recorded as a ``Talk``.

``Pair`` lets both ends talk; each delivery is one packet. What no library would send is put in as bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h2.config
import h2.connection
import pytest
from msgspec.structs import replace

from plainwire import kernel
from plainwire.http.http2 import Http2
from plainwire.http.reading import Reading
from plainwire.model import Connection, Endpoint, Gap, Side
from tests.http.talk import Act, Talk, Where

if TYPE_CHECKING:
    from h2.events import Event

    from plainwire.model import Exchange, Request, Text

CLIENT, SERVER = Side.CLIENT, Side.SERVER
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
ASK = [(":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", "/")]
POST = [(":method", "POST"), (":scheme", "https"), (":authority", "a.example"), (":path", "/upload")]
OK = [(":status", "200"), ("content-type", "text/plain")]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """RFC 9113 section 4.1."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


SETTINGS, SETTINGS_ACK = frame(4, 0, 0), frame(4, 1, 0)


class Pair:
    """Two ends that know each other's SETTINGS."""

    def __init__(self, *, exact: bool = True) -> None:
        self.talk = Talk(exact=exact)
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.server = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self.events: list[list[Event]] = [[], []]
        self.client.initiate_connection()
        self.server.initiate_connection()
        self.pass_on()

    def pass_on(self) -> None:
        """What both sides have to say goes over the wire, until neither has more."""
        for _ in range(10):
            up, down = self.client.data_to_send(), self.server.data_to_send()
            if up:
                self.talk.client(up)
                self.events[SERVER] += self.server.receive_data(up)
            if down:
                self.talk.server(down)
                self.events[CLIENT] += self.client.receive_data(down)
            if not up and not down:
                return

    def ask(self, headers: list[tuple[str, str]] | None = None, body: bytes | None = None) -> int:
        """A request; its stream."""
        stream = self.client.get_next_available_stream_id()
        self.client.send_headers(stream, headers or ASK, end_stream=body is None)
        if body is not None:
            self.client.send_data(stream, body, end_stream=True)
        self.pass_on()
        return stream

    def answer(
        self,
        stream: int,
        body: bytes = b"yes",
        headers: list[tuple[str, str]] | None = None,
        trailers: list[tuple[str, str]] | None = None,
    ) -> None:
        """A whole response."""
        self.server.send_headers(stream, headers or OK)
        self.server.send_data(stream, body, end_stream=not trailers)
        if trailers:
            self.server.send_headers(stream, trailers, end_stream=True)
        self.pass_on()


def read(
    talk: Talk,
    *,
    at_once: bool = False,
    in_one: bool = False,
    upgraded: Request | None = None,
    keep_bodies: bool = True,
) -> tuple[list[Exchange], Connection, Http2]:
    """The exchanges of a talk, the facts, and the reader. ``at_once``: fed as one batch; ``in_one``: its
    clear text as one piece, too.
    """
    http = Http2(Reading(keep_bodies=keep_bodies), upgraded=upgraded)
    sides = [[act for act in talk.acts if act.side == side] for side in Side]
    where = (Where(sides[0]), Where(sides[1]))
    facts = Connection(1, Endpoint("192.0.2.1", 5000), Endpoint("192.0.2.2", 443), 1, 0)
    facts.closes = talk.closes
    for group in [talk.acts] if at_once else [[act] for act in talk.acts]:
        texts: tuple[list[Text | Gap], list[Text | Gap]] = ([], [])
        for act in group:
            texts[act.side].append(_item(act))
        if in_one:
            texts = _in_one(texts[CLIENT]), _in_one(texts[SERVER])
        http.feed(*texts, where)
        low = http.looked_up_to()
        assert all(
            low[side] <= max((act.start + act.length for act in sides[side]), default=0) for side in Side
        )
    facts.gaps = [item for act in talk.acts if isinstance(item := _item(act), Gap)]
    return http.close(facts, where), facts, http


def _item(act: Act) -> Text | Gap:
    if act.data is None:
        return Gap(act.side, act.start, act.length, act.packet)
    return act.data, act.start, act.start + act.length


def _in_one(items: list[Text | Gap]) -> list[Text | Gap]:
    """What follows one another without a hole, as one text."""
    found: list[Text | Gap] = []
    for item in items:
        last = found[-1] if found else None
        if isinstance(item, Gap) or last is None or isinstance(last, Gap):
            found.append(item)
        else:
            found[-1] = last[0] + item[0], last[1], item[2]
    return found


def _without_pauses(found: list[Exchange]) -> list[Exchange]:
    """What a pause within a frame cannot change: of one piece only its ends have a time."""
    return [
        replace(exchange, response=exchange.response and replace(exchange.response, longest_pause_ns=0))
        for exchange in found
    ]


def exchanges(talk: Talk, *, sound: bool = True) -> list[Exchange]:
    """The exchanges of a talk, which must be the same however it is fed, with the kernel and without.

    Where it is not ``sound``, how a side begins may depend on how much of it is there when that is asked.
    """
    one_by_one, facts, _ = read(talk)
    at_once, facts_at_once, _ = read(talk, at_once=True)
    assert one_by_one == at_once
    assert facts.events == facts_at_once.events
    if talk.exact and sound:
        in_one, facts_in_one, _ = read(talk, at_once=True, in_one=True)
        assert _without_pauses(in_one) == _without_pauses(one_by_one)
        assert facts_in_one.events == facts.events
    with pytest.MonkeyPatch.context() as monkeypatch:
        by_kernel, facts_by_kernel, _ = read(talk, keep_bodies=False)
        monkeypatch.setattr(kernel, "compiled", None)
        by_python, facts_by_python, _ = read(talk, keep_bodies=False)
    assert by_kernel == by_python
    assert facts_by_kernel.events == facts_by_python.events == facts.events
    return one_by_one


def holes(talk: Talk, packet: int) -> Talk:
    """The same talk with one packet missing."""
    cut = Talk(talk.exact, closes=list(talk.closes))
    for act in talk.acts:
        if act.packet == packet:
            cut.hole(act.side, act.length)
        else:
            cut.send(act.side, act.data or b"")
    return cut
