"""Rule capture-artifact: before anything is concluded, whether enough was captured to conclude it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.acknowledgments import missing_before, never_arrived, unseen_bytes
from plainwire.diagnose.evidence.closes import reactive_reset
from plainwire.diagnose.evidence.damaged_record import confirmed
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Gap


def capture_artifact(failed: FailedExchange) -> Verdict | None:
    """A verdict where a hole in the capture covers the failure."""
    holes = list(_holes(failed))
    if not holes:
        return None
    return Verdict(
        code="capture-artifact",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="unknown",
        certainty="possible",
        facts=f"{'; '.join(hole.says for hole in holes)}.",
        evidence=tuple(holes),
        runner_up="a real failure: cannot be told from a hole in the capture",
        time_ns=failed.request.time_ns,
    )


def _holes(failed: FailedExchange) -> Iterator[Evidence]:
    connection, request = failed.connection, failed.request
    if connection.roles_guessed:
        yield Evidence(request.packet, "the capture does not show which side opened the connection")
    elif connection.mid_stream and failed.exchange.ordinal == 1:
        yield Evidence(request.packet, "the connection began before the capture did")
    if connection.snapped:
        yield Evidence(request.packet, "packets of this connection were cut by the snap length")
    for gap in connection.gaps:
        if _concerns(gap, failed) and not never_arrived(connection, gap):
            yield Evidence(
                gap.packet, f"{gap.length} bytes from the {_side(gap.side)} are not in the capture"
            )
    for failure in connection.undecrypted:
        if any(confirmed(connection, close) is failure for close in connection.closes):
            continue  # damaged, and not by the capture
        if failure.packet is None or failure.packet >= request.packet:
            yield Evidence(failure.packet or request.packet, "records at the failure could not be decrypted")
            break
    yield from _unseen(failed)


def _unseen(failed: FailedExchange) -> Iterator[Evidence]:
    connection = failed.connection
    for side in Side:
        missing = unseen_bytes(connection, side)
        if missing:
            says = f"{missing} bytes from the {_side(side)} were acknowledged but are not in the capture"
            yield Evidence(connection.last_packet or failed.request.packet, says)
    close = failed.server_close
    if close is None or failed.exchange.response is not None or close.kind != "rst":
        return
    missing = missing_before(connection, close)
    if missing and reactive_reset(connection, close) is None:
        yield Evidence(
            close.packet, f"the reset stands {missing} bytes beyond the last byte seen from the server"
        )


def _concerns(gap: Gap, failed: FailedExchange) -> bool:
    """Whether the gap was noticed after the request began, or lies in the exchange's own bytes."""
    if gap.packet >= failed.request.packet:
        return True
    message = failed.request if gap.side == Side.CLIENT else failed.exchange.response
    return message is not None and gap.offset < message.end and gap.offset + gap.length > message.start


def _side(side: Side) -> str:
    return side.name.lower()
