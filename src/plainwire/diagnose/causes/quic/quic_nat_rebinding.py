"""Rule quic-nat-rebinding: the client's address changed under the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stream_verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def quic_nat_rebinding(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client's packets came from another address, and got no answer from then on.

    Only a capture behind the NAT, as a rule at the server, shows the change. A client that moves on purpose
    (RFC 9000 section 9) looks the same.
    """
    quic, exchange = failed.connection.quic, failed.exchange
    if quic is None or exchange.response is not None:
        return None
    moves = [e for e in failed.traffic.events(failed.connection, "migration") if e.side == Side.CLIENT]
    moved = next((e for e in reversed(moves) if e.packet <= failed.request.last_packet), None)
    if moved is None or any(time_ns > moved.time_ns for time_ns, *_ in quic.acknowledged[Side.SERVER]):
        return None
    quiet = wording.span(failed.given_up_ns - moved.time_ns)
    return stream_verdict(
        failed,
        "quic-nat-rebinding",
        "path",
        (Ground.INFERENCE,),
        f"With packet {moved.packet} the client's address changed ({len(quic.paths)} addresses in all), as "
        "when a NAT has forgotten the connection. The server acknowledged nothing that came from the new "
        f"one, for {quiet}: it did not take the new path.",
        Evidence(moved.packet, "the first packet from the client's new address"),
        retry_safe=failed.idempotent,
        runner_up="a path that went dead at the same moment: its next packets would not be here either",
    )
