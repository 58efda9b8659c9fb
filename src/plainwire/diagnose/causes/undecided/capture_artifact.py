"""Rule capture-artifact: before anything is concluded, whether enough was captured to conclude it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import missing_before, never_arrived, unseen_bytes
from plainwire.diagnose.evidence.closes import client_first, reactive_reset
from plainwire.diagnose.evidence.damaged_record import confirmed
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import AT_ONCE_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Gap


_REACTION_NS = 3_000_000_000
"""What a server does about a client that closed shows by then: it answers, or it closes."""


def capture_artifact(failed: FailedExchange) -> Verdict | None:
    """A verdict where a hole in the capture covers the failure."""
    holes = list(_holes(failed))
    return _verdict(failed, holes) if holes else None


def capture_cut_short(failed: FailedExchange) -> Verdict | None:
    """A verdict where the capture ends just when the client had closed its own direction, and only that."""
    ends = list(_cut_short(failed))
    return _verdict(failed, ends) if ends else None


def _verdict(failed: FailedExchange, holes: list[Evidence]) -> Verdict:
    return Verdict(
        code="capture-artifact",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="unknown",
        grounds=(Ground.GUESS,),
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
        if failure.reason.startswith("gap at") and _lost_on_the_way(connection):
            continue  # the client had no more of it
        if failure.packet is None or failure.packet >= request.packet:
            yield Evidence(failure.packet or request.packet, "records at the failure could not be decrypted")
            break
    yield from _unseen(failed)
    yield from _of_quic(failed)


def _lost_on_the_way(connection: Connection) -> bool:
    """Whether no hole of the connection is the capture's: the receiver did not get those bytes either."""
    return bool(connection.gaps) and all(never_arrived(connection, gap) for gap in connection.gaps)


def _of_quic(failed: FailedExchange) -> Iterator[Evidence]:
    quic = failed.connection.quic
    for side in Side if quic is not None else ():
        missing = quic.lost_by_capture(side) + quic.unaccounted_for(side) if quic is not None else 0
        if missing:
            says = f"{missing} packets from the {_side(side)} are not in the capture, or were lost on the way"
            yield Evidence(failed.connection.last_packet or failed.request.packet, says)


def _cut_short(failed: FailedExchange) -> Iterator[Evidence]:
    """A client may close its own direction at once and still wait for the rest (RFC 9293 section 3.6)."""
    close, connection = client_first(failed.connection), failed.connection
    if close is None or close.kind not in ("fin", "close_notify") or connection.transport != "tcp":
        return
    response = failed.exchange.response
    last = failed.request.last_ns if response is None else response.last_ns
    goes_on = response is not None and response.last_ns > close.time_ns
    if close.time_ns - last >= AT_ONCE_NS:
        return
    if response is not None and response.framing != "close" and not goes_on:
        return
    reacted = any(c.side is Side.SERVER or c.kind == "rst" for c in connection.closes)
    watched = failed.traffic.ended_ns - close.time_ns
    if not reacted and watched < _REACTION_NS:
        yield Evidence(
            close.packet,
            f"the capture ends {wording.span(watched)} after the client closed its own direction",
        )


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
