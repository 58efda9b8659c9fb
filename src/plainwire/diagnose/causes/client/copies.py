"""What is known of an attempt that failed and was sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.closes import first_close
from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.repetitions import Sending


def was_received(copy: Sending) -> bool | None:
    """Whether the server's stack had the copy when the connection ended; None where nothing says.

    One that it sent back untouched counts as not received (RFC 9113 section 8.7, RFC 9114 section 4.1.1).
    """
    if copy.exchange.outcome == "refused":
        return False
    until = first_close(copy.connection, Side.SERVER)
    ack = last_ack(copy.connection, Side.SERVER, until)
    return None if ack is None else ack >= copy.request.end
