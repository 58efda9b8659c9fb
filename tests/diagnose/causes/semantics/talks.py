"""What error statuses say, and when they say nothing against anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER_END, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection, Endpoint, Finding, Request, Response


Fields = tuple[tuple[str, str], ...]


class Talk:
    """One connection with exchange after exchange."""

    def __init__(self, number: int = 1, *, server: Endpoint = SERVER_END, start: float = 0.0) -> None:
        self.wire = Wire(
            id=number, first_exchange=number * 100, first_packet=number * 1000, server=server, start=start
        )
        self.at = 0.0

    def say(
        self,
        status: int,
        target: str = "/a",
        *,
        method: str = "GET",
        wait: float = 80.0,
        pause: float = 20.0,
        asked: Fields = (),
        told: Fields = (),
    ) -> Talk:
        """An exchange, and a pause behind it; ``wait`` is until its first byte."""
        request, response = self.messages(method, target, status, wait)
        request.headers += asked
        response.headers += told
        self.at += wait + pause
        return self

    def messages(self, method: str, target: str, status: int, wait: float) -> tuple[Request, Response]:
        self.wire.ask(self.at, target, method=method)
        exchange = self.wire.answer(self.at + wait, status=status)
        assert exchange.request is not None
        assert exchange.response is not None
        return exchange.request, exchange.response

    def done(self) -> Connection:
        return self.wire.done()


def found(*talks: Talk) -> dict[str, Finding]:
    return {finding.code: finding for finding in diagnose([talk.done() for talk in talks])}


def good(count: int, talk: Talk | None = None, target: str = "/a") -> Talk:
    talk = talk or Talk()
    for _ in range(count):
        talk.say(200, target)
    return talk


TOKEN, NEW = (("Authorization", "Bearer one"),), (("Authorization", "Bearer two"),)


def talks(server: Endpoint, count: int, bad: int, first: int, told: Fields = ()) -> list[Talk]:
    """Connections with one exchange each, of which the first few fail."""
    return [
        Talk(first + n, server=server, start=n * 500).say(
            500 if n < bad else 200, f"/{n}", wait=900, told=told
        )
        for n in range(count)
    ]
