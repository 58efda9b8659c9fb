"""Rule connection-shared: two senders with a count of their own on one TLS connection.

Both ends number their records without sending the number (RFC 8446 section 5.3), so that two records of one
side that authenticate with the same number were sealed by two copies of its state: a process forked with the
connection open, or two threads wrote without a lock. The receiver can authenticate one of them only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import last_ack, packet_at
from plainwire.diagnose.evidence.closes import first_close
from plainwire.diagnose.evidence.damaged_record import BAD_RECORD
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Connection, Reused


def connection_shared(failed: FailedExchange) -> Verdict | None:
    """A verdict where a record with a number that was used before ended the connection."""
    connection, request, reset = failed.connection, failed.request, failed.exchange.reset
    for reuse in _by_two(connection):
        over = reset is not None and reset.time_ns < reuse.time_ns  # a stream that had failed before
        seen = None if over else _end_of(connection, reuse)
        if seen is None:
            continue
        what, grounds, close = seen
        unread = reuse.side == Side.CLIENT and request.start >= reuse.start
        return _verdict(
            failed.connection,
            reuse,
            what,
            grounds,
            close,
            exchange=failed.exchange.id,
            retry_safe=unread or failed.idempotent,
            time_ns=request.time_ns,
        )
    return None


def connection_shared_without_request(connection: Connection, traffic: Traffic) -> Verdict | None:
    """The same where no HTTP is spoken: only the alert tells that it did harm."""
    del traffic
    for reuse in _by_two(connection):
        alert = _alert(connection, reuse)
        if alert is not None:
            return _verdict(
                connection, reuse, _alert_words(alert), (Ground.SEALED,), alert, time_ns=connection.opened_ns
            )
    return None


def _by_two(connection: Connection) -> Iterator[Reused]:
    for info in (connection.tls, *connection.inner_tls):
        if info is not None:
            yield from (reuse for reuse in info.reused if not reuse.copied)


def _end_of(connection: Connection, reuse: Reused) -> tuple[str, Grounds, CloseEvent | None] | None:
    """How the receiver took it, how sure it is that it did so for this, and by which act.

    None where the connection ended before the second record arrived, and for another reason.
    """
    alert = _alert(connection, reuse)
    if alert is not None:
        return _alert_words(alert), (Ground.SEALED,), alert
    ending = next((c for c in connection.closes if c.kind == "close_notify" and _carries(c, reuse)), None)
    if ending is not None:
        who = _who(reuse.side)
        says = f"One of the two is the {who}'s close_notify: one sender ended TLS while the other went on."
        return says, (Ground.SEALED,), ending
    peer = reuse.side.peer
    close = first_close(connection, peer)
    had = close.ack if close is not None else last_ack(connection, peer)
    if had is None or had <= reuse.start:
        return None
    then = f"it ended the connection: {wording.act(close)}" if close is not None else "it said nothing more"
    return (
        f"The {_who(peer)} had the second one, which it cannot authenticate, and {then}.",
        (Ground.INFERENCE,),
        close,
    )


def _alert(connection: Connection, reuse: Reused) -> CloseEvent | None:
    """The alert with which the receiver answered."""
    for close in connection.closes:
        answers = close.side == reuse.side.peer and close.time_ns >= reuse.time_ns
        if answers and close.kind == "alert" and close.detail == BAD_RECORD:
            return close
    return None


def _alert_words(alert: CloseEvent) -> str:
    return f"The {_who(alert.side)} could authenticate one of them only, and sent the alert {BAD_RECORD}."


def _carries(close: CloseEvent, reuse: Reused) -> bool:
    return close.side == reuse.side and close.seq in (reuse.first, reuse.start)


def _verdict(
    connection: Connection,
    reuse: Reused,
    what: str,
    grounds: Grounds,
    close: CloseEvent | None,
    *,
    exchange: int | None = None,
    retry_safe: bool | None = None,
    time_ns: int,
) -> Verdict:
    who = _who(reuse.side)
    first = None if reuse.first is None else packet_at(connection, reuse.side, reuse.first)
    evidence = [] if first is None else [Evidence(first, f"a record of the {who} with number {reuse.number}")]
    evidence.append(Evidence(reuse.packet, f"another record of the {who} with number {reuse.number}"))
    if close is not None:
        evidence.append(Evidence(close.packet, f"{wording.act(close)} from the {_who(close.side)}"))
    return Verdict(
        code="connection-shared",
        connection=connection,
        exchanges=() if exchange is None else (exchange,),
        fault="client" if reuse.side == Side.CLIENT else "server",
        grounds=grounds,
        facts=f"Two different records of the {who} have the same number ({reuse.number}) under the same "
        "keys: two processes or threads wrote on one connection, each with its own count of what had been "
        f"sent. {what}",
        evidence=tuple(evidence),
        runner_up="bad-record-mac by damage on the way: refuted, the second record is whole, and "
        "authenticates with the number that was used",
        retry_safe=retry_safe,
        time_ns=time_ns,
    )


def _who(side: Side) -> str:
    return side.name.lower()
