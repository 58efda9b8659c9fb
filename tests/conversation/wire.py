"""What both sides say, in order, as one TCP connection in a capture; and TLS inside anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plainwire import pipeline
from plainwire.model import Side
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.tls.live import Live, contexts

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Connection, Exchange, Report

CLIENT, SERVER = Side.CLIENT, Side.SERVER
GET = b"GET /inside HTTP/1.1\r\nHost: a.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Said = list[tuple[Side, bytes]]


@dataclass
class Talk:
    """``key_log`` collects the secrets of the sessions in it."""

    said: Said = field(default_factory=list)
    key_log: bytes = b""

    def client(self, data: bytes) -> Talk:
        self.said.append((CLIENT, data))
        return self

    def server(self, data: bytes) -> Talk:
        self.said.append((SERVER, data))
        return self

    def tls(self, inside: Said) -> Talk:
        """A TLS session of its own that carries ``inside``."""
        live = Live(*contexts())
        for side, data in inside:
            live.say(side, data)
        self.said += live.wire
        self.key_log += live.key_log
        return self

    def report(self, folder: Path, *, segment: int = 1460) -> Report:
        conversation = Conversation(segment_size=segment).open()
        for side, data in self.said:
            conversation.send(side, data)
        conversation.fin(CLIENT).fin(SERVER)
        (folder / "talk.pcap").write_bytes(pcap(conversation.packets))
        (folder / "keys.log").write_bytes(self.key_log)
        return pipeline.analyze([folder / "talk.pcap"], [folder / "keys.log"], keep_bodies=True)

    def connection(self, folder: Path, *, segment: int = 1460) -> Connection:
        (connection,) = self.report(folder, segment=segment).connections
        return connection


def gist(exchange: Exchange) -> tuple[str, int]:
    """Method and target, and status."""
    request, response = exchange.request, exchange.response
    return (f"{request.method} {request.target}" if request else "", response.status if response else 0)
