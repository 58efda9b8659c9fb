"""Rules of family C, first part: the connection did not come about, or only late."""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from plainwire.model import RST, Evidence

from . import beginning, path, primitives, words
from .lagging import syn_paws_drop
from .marked import ecn_blackhole
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainwire.model import Certainty, Connection, Fault, IcmpError

    from .beginning import Beginning, Segment
    from .verdict import Scene
    from .world import World

_GIVEN_UP_NS = 3_000_000_000
"""A single SYN without an answer says something only when this much was captured after it: it is sent again
after one second (RFC 6298 section 2)."""

_FALLBACK_NS = 135_000_000_000
"""Linux gives up on a SYN after about 130 s; a program turns to the next address then, if not before."""

_AT_ONCE_NS = 1_000_000_000
_SOON_NS = 60_000_000_000
_MOST_LOOKED_AT = 1000
_TIME_WAIT_NS = 240_000_000_000
_MANY = 500
"""So many connections to one address within four minutes may use up the ports of a NAT."""

_LATE_NS = 500_000_000
_MOST_CITED = 6
_NEIGHBOURS = 200
_UNREACHABLE, _TIME_EXCEEDED = 3, 11
_UNREACHABLE6, _TIME_EXCEEDED6 = 1, 3
_FRAGMENTATION_NEEDED = 4


def connection_refused(connection: Connection, world: World) -> Verdict | None:
    """A verdict where the SYN was answered by a RST, or by an ICMP error (RFC 9293 section 3.5.1)."""
    begin = beginning.of(connection)
    if begin is None or begin.offers or connection.established:
        return None
    reset = next((r for r in begin.resets if r.ack == 0), None)
    errors = [error for error in connection.icmp_errors if _forbids(error)]
    if reset is None and not errors:
        return None
    if _loopback_twin(connection, world) or _starting(connection, world):
        return None
    if reset is None:
        return _forbidden(connection, begin, errors)
    fault, certainty, why = _who_refused(connection, reset, world)
    later = _works_again(connection, world)
    return Verdict(
        code="connection-refused",
        connection=connection,
        exchanges=(),
        fault=fault,
        certainty=certainty,
        facts=f"The SYN was answered by a RST after {words.span(reset.time_ns - begin.syns[0].time_ns)}: "
        f"nothing accepts connections at {words.address(connection)}. {why}{_again_words(connection, later)}",
        evidence=(
            Evidence(begin.syns[0].packet, "SYN from the client"),
            Evidence(reset.packet, "RST, ACK in answer to the SYN"),
        ),
        runner_up="syn-timeout: refuted, there was an answer",
        retry_safe=True,
        time_ns=connection.opened_ns,
        failure=False if later is not None else None,
    )


def _forbids(error: IcmpError) -> bool:
    if ":" in error.sender:
        return error.type in (_UNREACHABLE6, _TIME_EXCEEDED6)
    return error.type == _TIME_EXCEEDED or (
        error.type == _UNREACHABLE and error.code != _FRAGMENTATION_NEEDED
    )


def _forbidden(connection: Connection, begin: Beginning, errors: list[IcmpError]) -> Verdict:
    first = errors[0]
    own = first.sender == connection.server.address
    sender = "the server's own address" if own else "another address on the way"
    return Verdict(
        code="connection-refused",
        connection=connection,
        exchanges=(),
        fault="server" if own else "path",
        certainty="likely",
        facts=f"The SYN was answered by an ICMP error (type {first.type}, code {first.code}) from {sender} "
        f"after {words.span(first.time_ns - begin.syns[0].time_ns)}, and by nothing else.",
        evidence=(
            Evidence(begin.syns[0].packet, "SYN from the client"),
            Evidence(first.packet, f"ICMP error, type {first.type}, code {first.code}, about this SYN"),
        ),
        runner_up="syn-timeout: refuted, there was an answer",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _who_refused(connection: Connection, reset: Segment, world: World) -> tuple[Fault, Certainty, str]:
    if primitives.on_one_host(connection):
        return "server", "proved", "Both ends are on this host: nothing between them could have refused it."
    for other in islice(world.by_server.get(connection.server, ()), _NEIGHBOURS):
        usual = _usual_ttl(other)
        if usual is not None and beginning.another_hop(reset.ttl, usual):
            says = f"The RST has TTL {reset.ttl}, the server's packets on connection {other.id} {usual}: "
            return "path", "likely", f"{says}something on the way refused in the server's name."
        if usual is not None:
            return "server", "likely", "The RST has the TTL of the server's other packets."
    return (
        "server",
        "likely",
        "That the RST is the server's own is likely: nothing in the packet speaks against.",
    )


def _usual_ttl(connection: Connection) -> int | None:
    segments = connection.segments
    if not connection.established or segments is None:
        return None
    return next((row.ttl for row in beginning.rows(segments) if row.side and not row.flags & RST), None)


def _works_again(connection: Connection, world: World) -> Connection | None:
    """A connection to the same address that came about within a minute."""
    same = world.by_server.get(connection.server, [])
    begin = bisect_right(same, connection.opened_ns, key=_opened)
    end = bisect_right(same, connection.opened_ns + _SOON_NS, key=_opened)
    return next(
        (other for other in same[begin : min(end, begin + _NEIGHBOURS)] if other.established),
        None,
    )


def _opened(connection: Connection) -> int:
    return connection.opened_ns


def _again_words(connection: Connection, later: Connection | None) -> str:
    if later is None:
        return ""
    after = words.span(later.opened_ns - connection.opened_ns)
    return f" Connection {later.id} to the same address was accepted {after} later."


def _loopback_twin(connection: Connection, world: World) -> bool:
    """Whether this is the one of ``localhost``'s two addresses at which nothing listens: that is normal."""
    if not primitives.on_one_host(connection):
        return False
    return any(
        other.established
        and other.server.port == connection.server.port
        and other.server.address != connection.server.address
        and primitives.on_one_host(other)
        and 0 <= other.opened_ns - connection.opened_ns <= _AT_ONCE_NS
        for other in _neighbours(connection, world)
    )


def _starting(connection: Connection, world: World) -> bool:
    """Whether a server on this host was only being started: who waits for one tries until it is there."""
    if not primitives.on_one_host(connection) or _works_again(connection, world) is None:
        return False
    same = world.by_server.get(connection.server, [])
    before = same[: bisect_right(same, connection.opened_ns, key=_opened)]
    return not any(other.established for other in before)


def _neighbours(connection: Connection, world: World) -> list[Connection]:
    """The next connections that were opened, to any address."""
    start = world.position[connection.id] + 1
    return list(world.connections[start : start + _NEIGHBOURS])


def port_reuse_time_wait(connection: Connection, world: World) -> Verdict | None:
    """A verdict where a SYN met a connection with the same ports that the server still remembers.

    The server acknowledges the old connection (RFC 5961 section 4.2), the client resets that, and tries again
    when its timer fires.
    """
    del world
    begin = beginning.of(connection)
    if begin is None:
        return None
    odd = next((s for s in begin.server if beginning.strange(s, begin) and s.ack != 0), None)
    reply = next((s for s in begin.client if s.flags & RST and odd and s.time_ns >= odd.time_ns), None)
    if odd is None or reply is None or (begin.offers and reply.time_ns > begin.offers[0].time_ns):
        return None
    late = begin.offers[0].time_ns - begin.syns[0].time_ns if begin.offers else None
    outcome = (
        "It never came about" if late is None else f"It came about {words.span(late)} after the first SYN"
    )
    return Verdict(
        code="port-reuse-time-wait",
        connection=connection,
        exchanges=(),
        fault="client",
        certainty="likely",
        facts="The SYN was answered by an acknowledgment of bytes that are not of this connection: the "
        "server "
        f"still knew an older one with the same ports, which the client's side then reset. {outcome}.",
        evidence=(
            Evidence(begin.syns[0].packet, "SYN from the client"),
            Evidence(odd.packet, "ACK without SYN, of another connection's numbers"),
            Evidence(reply.packet, "RST from the client's side in answer"),
            *(Evidence(offer.packet, "SYN, ACK") for offer in begin.offers[:1]),
        ),
        runner_up="syn-timeout: refuted, the server answered, for an older connection",
        retry_safe=True,
        time_ns=connection.opened_ns,
        failure=False if begin.offers else None,
    )


def syn_timeout(connection: Connection, world: World) -> Verdict | None:
    """A verdict where nothing at all answered the SYN; also its better explanations, where one fits."""
    begin = beginning.of(connection)
    if begin is None or begin.offers or begin.server or begin.resets or connection.established:
        return None
    watched = world.ended_ns - begin.syns[0].time_ns
    if connection.icmp_errors or (len(begin.syns) == 1 and watched < _GIVEN_UP_NS):
        return None
    other = _fallback(connection, begin, world)
    if other is not None and (":" in connection.server.address) != (":" in other.server.address):
        if ":" in connection.server.address:
            return _ipv6_broken(connection, begin, other)
        return None
    crowd = _crowd(connection, begin, world)
    return _silent(connection, begin, world) if crowd is None else _exhausted(connection, begin, *crowd)


def _silent(connection: Connection, begin: Beginning, world: World) -> Verdict:
    first, last = begin.syns[0], begin.syns[-1]
    twice = len(begin.syns) > 1
    later = _works_again(connection, world)
    pauses = ", ".join(words.span(b.time_ns - a.time_ns) for a, b in pairwise(begin.syns[:5]))
    sent = f"{len(begin.syns)} times in {words.span(last.time_ns - first.time_ns)} (pauses {pauses})"
    return Verdict(
        code="syn-timeout",
        connection=connection,
        exchanges=(),
        fault="unknown",
        certainty="likely" if twice else "possible",
        facts=f"The SYN was sent {sent if twice else 'once'}, and nothing came back: no SYN-ACK, no "
        f"RST, no ICMP "
        f"error.{_again_words(connection, later)}",
        evidence=tuple(
            Evidence(syn.packet, f"SYN from the client, sending {count}, without any answer")
            for count, syn in enumerate(begin.syns[:_MOST_CITED], 1)
        ),
        runner_up="connection-refused: refuted, there is no RST and no ICMP error; "
        "accept-queue-overflow: refuted, "
        "there is no SYN-ACK",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _fallback(connection: Connection, begin: Beginning, world: World) -> Connection | None:
    """The connection that the same program made to another address, once this one did not come about."""
    for other in _neighbours(connection, world):
        if not other.established or other.server.port != connection.server.port:
            continue
        if other.server.address == connection.server.address or other.transport != "tcp":
            continue
        processes = {c.program.pid for c in (connection, other) if c.program is not None}
        if len(processes) <= 1 and other.opened_ns - begin.syns[0].time_ns <= _FALLBACK_NS:
            return other
    return None


def _ipv6_broken(connection: Connection, begin: Beginning, other: Connection) -> Verdict:
    cost = other.opened_ns - begin.syns[0].time_ns
    return Verdict(
        code="ipv6-broken-fallback",
        connection=connection,
        exchanges=(),
        fault="path",
        certainty="likely",
        facts=f"{len(begin.syns)} SYN{'s' if len(begin.syns) > 1 else ''} to the IPv6 address met with "
        f"nothing; "
        f"connection {other.id} to an IPv4 address at the same port, opened {words.span(cost)} after "
        f"the first of "
        "them, was accepted. Each connection to this name may cost that much more.",
        evidence=(
            *(
                Evidence(syn.packet, f"SYN over IPv6, sending {count}, without any answer")
                for count, syn in enumerate(begin.syns[:_MOST_CITED], 1)
            ),
            Evidence(other.first_packet, f"the SYN of connection {other.id}, over IPv4"),
        ),
        runner_up="the server is down: refuted, it accepts connections over IPv4",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _crowd(connection: Connection, begin: Beginning, world: World) -> tuple[int, Connection] | None:
    """How many connections to the address were opened lately, and one of them that still worked."""
    first = begin.syns[0].time_ns
    accepted = world.accepted.get(connection.server, [])
    begun, ended = (bisect_right(accepted, at, key=_opened) for at in (first - _TIME_WAIT_NS, first))
    if ended - begun < _MANY:
        return None
    works = (
        other
        for other in reversed(accepted[max(begun, ended - _MOST_LOOKED_AT) : ended])
        if other.exchanges and other.exchanges[-1].response and other.exchanges[-1].response.time_ns > first
    )
    alive = next(works, None)
    return None if alive is None else (ended - begun, alive)


def _exhausted(connection: Connection, begin: Beginning, count: int, alive: Connection) -> Verdict:
    answer = alive.exchanges[-1].response
    return Verdict(
        code="port-exhaustion",
        connection=connection,
        exchanges=(),
        fault="client",
        certainty="possible",
        facts=f"A new connection met with nothing ({len(begin.syns)} SYNs), while connection {alive.id} "
        f"to the same "
        f"address, opened before, was answered. {count} connections to this address were opened in the four "
        "minutes before: a NAT on the way may have no port left for another.",
        evidence=(
            *(
                Evidence(syn.packet, "SYN from the client, without any answer")
                for syn in begin.syns[:_MOST_CITED]
            ),
            *((Evidence(answer.packet, f"an answer on connection {alive.id}"),) if answer else ()),
        ),
        runner_up="syn-timeout by an outage: refuted, the address answers on an older connection",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def accept_queue_overflow(connection: Connection, world: World) -> Verdict | None:
    """A verdict where the server offered the connection again and again, deaf to what the client sent.

    A full accept queue makes Linux drop the last segment of the handshake, and all that comes behind it.
    """
    begin = beginning.of(connection)
    if begin is None or len(begin.offers) < 2:
        return None
    first = begin.offers[0].time_ns
    again = [offer for offer in begin.offers[1:] if offer.time_ns - first >= _LATE_NS]
    if not again:
        return None
    ignored = [s for s in begin.said if first < s.time_ns < again[-1].time_ns]
    if len(ignored) < 2 or not any(s.time_ns < again[0].time_ns for s in ignored):
        return None
    if any(s.ack > 0 and s.time_ns < again[-1].time_ns for s in (*begin.server, *begin.resets)):
        return None
    heard = next((s for s in begin.server if s.ack > 0), None)
    delay = words.span((heard or again[-1]).time_ns - first)
    outcome = f"It was heard {delay} late" if heard else "It was never heard"
    return Verdict(
        code="accept-queue-overflow",
        connection=connection,
        exchanges=(),
        fault="server",
        certainty="likely"
        if primitives.on_one_host(connection) or _crowded(connection, world)
        else "possible",
        facts=f"The server sent its SYN-ACK {1 + len(again)} times although the client had acknowledged "
        f"it, and did "
        f"not take what the client sent {len(ignored)} times meanwhile. {outcome}.",
        evidence=(
            Evidence(begin.offers[0].packet, "SYN, ACK from the server"),
            Evidence(ignored[0].packet, "the client's first data, not acknowledged"),
            *(Evidence(offer.packet, "the same SYN, ACK again") for offer in again[:3]),
        ),
        runner_up=f"retransmission-loss: {len(ignored)} of the client's segments in a row would have to "
        f"be lost, and "
        "none of the server's",
        retry_safe=True,
        time_ns=connection.opened_ns,
        failure=False if heard else None,
    )


def _crowded(connection: Connection, world: World) -> bool:
    """Whether other connections to the address had the same trouble."""
    others = islice(world.by_server.get(connection.server, ()), _NEIGHBOURS)
    found = (
        beginning.of(c) for c in others if c is not connection and c.established and c.rtt_syn_ns is not None
    )
    return any(
        len(b.offers) > 1 and b.offers[-1].time_ns - b.offers[0].time_ns >= _LATE_NS
        for b in found
        if b is not None
    )


def slow_beginnings(world: World, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Connections that came about late, for a reason that shows, and were then used."""
    judged = {verdict.connection.id for verdict in verdicts if not verdict.exchanges}
    found: list[Verdict] = []
    for connection in world.connections:
        if not connection.exchanges or connection.id in judged or connection.transport != "tcp":
            continue
        first = connection.exchanges[0].request
        if first is None or first.time_ns - connection.opened_ns < _LATE_NS or connection.mid_stream:
            continue
        verdicts_of = (rule(connection, world) for rule in _LATE_RULES)
        found += [verdict for verdict in verdicts_of if verdict is not None][:1]
    return found


_LATE_RULES = (port_reuse_time_wait, accept_queue_overflow, ecn_blackhole)

CONNECTION_RULES: tuple[Callable[[Connection, World], Verdict | None], ...] = (
    port_reuse_time_wait,
    connection_refused,
    ecn_blackhole,
    syn_paws_drop,
    syn_timeout,
    accept_queue_overflow,
)
"""For connections that came to no request, in the order in which they are tried."""

FAILED_RULES: tuple[Callable[[Scene], Verdict | None], ...] = path.FAILED_RULES
"""For exchanges that failed."""

WHOLE_RULES: tuple[Callable[[World, Sequence[Verdict]], list[Verdict]], ...] = (
    slow_beginnings,
    path.small_writes,
)
"""For what shows only in many exchanges: each gets all connections and the verdicts so far."""
