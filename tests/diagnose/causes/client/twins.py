"""A failed request that went out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding


def failing(method: str = "GET", *, raced: bool = False) -> Connection:
    wire = Wire()
    wire.ok(0, "/first")
    wire.ask(1040, "/second", method=method, digest=7)
    if raced:
        wire.close(SERVER, "fin", 1080)
    else:
        wire.close(SERVER, "rst", 1120)
    return wire.done("unanswered")


def again(at: float, method: str = "GET", *, digest: int = 7, target: str = "/second") -> Connection:
    wire = Wire(id=2, first_exchange=20, first_packet=200)
    wire.ask(at, target, method=method, digest=digest)
    wire.answer(at + 80)
    return wire.done()


def hidden(*connections: Connection) -> Finding | None:
    return next((f for f in diagnose(connections) if f.code == "hidden-retry"), None)


def twice(*connections: Connection) -> Finding | None:
    return next((f for f in diagnose(connections) if f.code == "unsafe-retry-duplicate"), None)
