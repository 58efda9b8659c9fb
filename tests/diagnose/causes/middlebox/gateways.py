"""What an error status says of who failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.diagnose.wire import Wire

if TYPE_CHECKING:
    from plainwire.model import Connection


def served(
    *answers: tuple[int, float],
    number: int = 1,
    headers: tuple[tuple[str, str], ...] = (),
    target: str = "/objects/17",
) -> Connection:
    """Exchanges on one connection: status, and the time beyond the round trip."""
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
    at = 0.0
    for status, more in answers:
        wire.ask(at, target)
        response = wire.answer(at + 80 + more, status=status).response
        assert response is not None
        response.headers += headers
        at += 200 + more
    return wire.done()
