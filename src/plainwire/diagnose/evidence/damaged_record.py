"""Records that authenticate neither here nor at their receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Undecrypted


BAD_RECORD = "bad_record_mac"


def confirmed(connection: Connection, alert: CloseEvent) -> Undecrypted | None:
    """What could not be read here, and of which its receiver's alert says that it could not be read there."""
    if alert.kind != "alert" or alert.detail != BAD_RECORD:
        return None
    for record in connection.undecrypted:
        if record.side == alert.side.peer and record.packet is not None and record.packet <= alert.packet:
            return record
    return None
