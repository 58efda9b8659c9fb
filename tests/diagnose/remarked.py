"""What is worth knowing beside a failure, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding


def raced(hint: str = "") -> Connection:
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    if hint:
        response.headers.append(("Keep-Alive", hint))
    wire.ask(1040)
    wire.close(SERVER, "close_notify", 1080)
    wire.close(SERVER, "fin", 1080)
    return wire.done("unanswered")


def idle(number: int, *, polite: bool = False) -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
    wire.ok(0)
    if polite:
        wire.close(SERVER, "close_notify", 2080)
    wire.close(SERVER, "fin", 2080)
    return wire.done()


def remark(code: str, *connections: Connection) -> Finding | None:
    return next((f for f in diagnose(connections) if f.code == code), None)
