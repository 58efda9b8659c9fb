"""Rule accept-queue-overflow: the server had no room for another connection."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.ends import on_one_host
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LATE_OPENING_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .neighbours import NEIGHBOURS

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening, Segment
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_FEWEST_SYNS = 2
"""SYNs: one without an answer may be lost, or its answer may not be in the capture."""

_QUEUE_FULL_NS = 10_000_000_000
"""A queue that is full stays so until the program accepts: ten seconds cover SYNs and their
retransmissions."""


def accept_queue_overflow(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where the server offered the connection again and again, ignoring what the client sent.

    A full accept queue makes Linux drop the last segment of the handshake, and all that comes behind it.
    """
    begin = opening.of(connection)
    if begin is None or len(begin.syn_acks) < 2:
        return None
    first, number = begin.syn_acks[0].time_ns, begin.syn_acks[0].seq
    same = [offer for offer in begin.syn_acks[1:] if offer.seq == number]  # else of two servers, or two tries
    again = [offer for offer in same if offer.time_ns - first >= LATE_OPENING_NS]
    if not again:
        return None
    ignored = [s for s in begin.client_data if first < s.time_ns < again[-1].time_ns]
    if len(ignored) < 2 or not any(s.time_ns < again[0].time_ns for s in ignored):
        return None
    if any(s.ack > 0 and s.time_ns < again[-1].time_ns for s in (*begin.server, *begin.resets)):
        return None
    heard = next((s for s in begin.server if s.ack > 0), None)
    delay = wording.span((heard or again[-1]).time_ns - first)
    outcome = f"It was acknowledged {delay} late" if heard else "It was never acknowledged"
    return Verdict(
        code="accept-queue-overflow",
        connection=connection,
        exchanges=(),
        fault="server",
        grounds=(Ground.SILENCE,)
        if on_one_host(connection) or _crowded(connection, traffic)
        else (Ground.GUESS,),
        facts=f"The server sent its SYN-ACK {1 + len(again)} times although the client had acknowledged it, "
        f"and ignored what the client sent {plurals.times(len(ignored))} in the meantime. {outcome}.",
        evidence=(
            Evidence(begin.syn_acks[0].packet, "SYN, ACK from the server"),
            Evidence(ignored[0].packet, "the client's first data, not acknowledged"),
            *(Evidence(offer.packet, "the same SYN, ACK again") for offer in again[:3]),
        ),
        runner_up=f"retransmission-loss: {len(ignored)} of the client's segments in a row would have to be "
        "lost, and none of the server's",
        retry_safe=True,
        time_ns=connection.opened_ns,
        failure=False if heard else None,
    )


def queue_full(connection: Connection, begin: Opening, traffic: Traffic) -> Verdict | None:
    """A verdict where SYNs go unanswered while accepted connections to the same port stay silent.

    When the accept queue is full Linux silently drops new SYNs; what is in the queue is complete for
    the client, and the kernel acknowledges its data, but no program takes it.
    """
    around = [
        other
        for other in islice(traffic.by_server.get(connection.server, ()), NEIGHBOURS)
        if other.established and abs(other.opened_ns - connection.opened_ns) <= _QUEUE_FULL_NS
    ]
    silent = [(other, data) for other in around if (data := _taken_in_silence(other)) is not None]
    if len(begin.syns) < _FEWEST_SYNS or not silent or len(silent) < len(around):
        return None
    other, data = silent[0]
    return Verdict(
        code="accept-queue-overflow",
        connection=connection,
        exchanges=(),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"The SYN was sent {plurals.times(len(begin.syns))} and got no reply. At the same moment the "
        f"server's kernel accepted and acknowledged {plurals.count(len(silent), 'connection')} to the same "
        "port, and nothing was ever answered there: the program behind the port does not accept connections, "
        "and its queue is full.",
        evidence=(
            *(Evidence(syn.packet, "SYN from the client, without an answer") for syn in begin.syns[:3]),
            Evidence(other.first_packet, f"the SYN of connection {other.id}, which was accepted"),
            Evidence(data.packet, "its data, which the server's kernel acknowledges and no program answers"),
        ),
        runner_up="syn-timeout by a host that is down: refuted, its kernel accepts and acknowledges",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _taken_in_silence(connection: Connection) -> Segment | None:
    """The client's first data on a connection on which the server acknowledged them and sent none."""
    begin = opening.of(connection)
    if begin is None or not begin.client_data or begin.answers:
        return None
    data = begin.client_data[0]
    return data if begin.acknowledged >= data.end else None


def _crowded(connection: Connection, traffic: Traffic) -> bool:
    """Whether other connections to the address had the same trouble."""
    others = islice(traffic.by_server.get(connection.server, ()), NEIGHBOURS)
    found = (
        opening.of(c) for c in others if c is not connection and c.established and c.rtt_syn_ns is not None
    )
    return any(
        len(b.syn_acks) > 1 and b.syn_acks[-1].time_ns - b.syn_acks[0].time_ns >= LATE_OPENING_NS
        for b in found
        if b is not None
    )
