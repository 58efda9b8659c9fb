"""The response began and did not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.diagnose.wire import Wire

if TYPE_CHECKING:
    from plainwire.model import Framing


def half(*, framing: Framing = "content-length", tls: bool = True) -> Wire:
    """100 bytes declared, 50 come."""
    wire = Wire(tls=tls)
    wire.ok(0)
    wire.ask(500)
    wire.answer(
        580, body=50, declared=100 if framing == "content-length" else None, framing=framing, complete=False
    )
    return wire
