"""Rule h2-malformed-response, where what the server may not do is no message: see ``evidence.breaches``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.breaches import breach_of
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stream_name, stream_verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def server_broke_rule(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client left right behind it (RFC 9113)."""
    connection, traffic = failed.connection, failed.traffic
    if failed.exchange.protocol != "h2" or connection.gaps:
        return None
    breaches, goaways = (traffic.events(connection, kind) for kind in ("breach", "goaway"))
    breach = breach_of(connection, failed.exchange, breaches, goaways)
    if breach is None:
        return None
    return stream_verdict(
        failed,
        "h2-malformed-response",
        "server",
        (Ground.SAID, Ground.INFERENCE),
        f"While {stream_name(failed)} was open the server sent what HTTP/2 forbids: {breach.detail}. The "
        "client gave up right behind it, as it has to.",
        Evidence(breach.packet, breach.detail),
        retry_safe=failed.idempotent,
        runner_up="a client that hung up by itself (client-abort): it did so right behind that",
    )
