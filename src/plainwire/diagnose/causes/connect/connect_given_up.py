"""Rule client-timeout-too-short, in connecting: the client had given up before the SYN-ACK came.

Node.js gives each address of a name 250 ms (autoSelectFamilyAttemptTimeout); others have limits of their own.
Where the round trip is longer, each SYN-ACK meets a closed socket, and the client's kernel answers with RST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import ACK, RST, Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection

_SHORTEST_LIMIT_NS = 150_000_000
"""No client gives a connect less; scanners answer any SYN-ACK with RST, mostly much sooner."""

_IN_REPLY_NS = 50_000_000
"""In ns: a kernel answers a SYN-ACK for a closed socket at once; 50 ms leave room for a loaded machine."""


def connect_given_up(connection: Connection, _traffic: Traffic) -> Verdict | None:
    """A verdict where the only answer to the SYN-ACK is a RST, a long time after the SYN."""
    begin = opening.of(connection)
    if begin is None or len(begin.syns) != 1 or not begin.syn_acks or begin.server or begin.resets:
        return None
    offer, syn = begin.syn_acks[0], begin.syns[0]
    reset = next((s for s in begin.client if s.flags & RST), None)
    took = offer.time_ns - syn.time_ns
    if reset is None or any(s.flags & ACK and not s.flags & RST for s in begin.client):
        return None
    if took < _SHORTEST_LIMIT_NS or not 0 <= reset.time_ns - offer.time_ns <= _IN_REPLY_NS:
        return None
    return Verdict(
        code="client-timeout-too-short",
        connection=connection,
        exchanges=(),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"The server accepted: its SYN-ACK came {wording.span(took)} after the SYN. The client's "
        "kernel answered it with RST, as for a socket that the program has closed: its own limit for "
        "connecting is shorter than one round trip here.",
        evidence=(
            Evidence(syn.packet, "SYN from the client"),
            Evidence(offer.packet, "SYN, ACK from the server"),
            Evidence(reset.packet, "RST from the client, at once"),
        ),
        runner_up="syn-timeout: refuted, the server answered the SYN",
        retry_safe=True,
        time_ns=connection.opened_ns,
        advice_client="Allow more time for connecting than the longest round trip: Node.js --network-family-"
        "autoselection-attempt-timeout=1000 or net.setDefaultAutoSelectFamilyAttemptTimeout(1000) (250 ms by "
        "default), curl --connect-timeout, Go net.Dialer.Timeout.",
        advice_server="Nothing to fix on the server: it accepted the connection.",
    )
