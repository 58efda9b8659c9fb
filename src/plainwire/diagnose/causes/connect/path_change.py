"""Remark path-change: the server's packets came another way, by their TTL (RFC 791; RFC 8200's hop limit).

Said only beside failures of the same server, and never more than possible: packets of another machine under
the same address look the same, and neither explains a failure by itself.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.arrays import np
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.ends import usual_ttl
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, SYN, Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Failures
    from plainwire.model import Connection, Endpoint


_NEIGHBOURS = 200

_FEWEST_SEGMENTS = 3
"""So many of the same TTL, in a row, before a step and behind it: a forged packet or two are no step."""

_FEWEST_FAILING, _FEWEST_GOOD = 3, 5
"""Where so many connections fall into two groups by chance, it is one time in 56."""


def path_change(traffic: Traffic, failures: Failures) -> Iterator[Verdict]:
    """Connections to a server on which the TTL stepped, or whose TTL is that of failing ones only."""
    for server, failed in failures.of_server.items():
        yield from _at_server(traffic, failed, server)


def _at_server(traffic: Traffic, failed: Sequence[Verdict], server: Endpoint) -> Iterator[Verdict]:
    """What path_change says of one server.

    ``failed``: the verdicts on what failed at this server, one at least.
    """
    for connection in islice(traffic.by_server.get(server, ()), _NEIGHBOURS):
        verdict = _step(connection, failed)
        if verdict is not None:
            yield verdict
    yield from _apart(traffic, failed, server)


def _step(connection: Connection, failed: Sequence[Verdict]) -> Verdict | None:
    segments = connection.segments
    if segments is None or connection.transport != "tcp":
        return None
    rows = np.flatnonzero((segments.side == Side.SERVER) & (segments.flags & (SYN | RST) == 0))
    ttl = segments.ttl[rows]
    steps = np.flatnonzero(np.diff(ttl))
    if len(steps) != 1 or not _FEWEST_SEGMENTS <= steps[0] + 1 <= len(ttl) - _FEWEST_SEGMENTS:
        return None
    last, first = (int(rows[steps[0] + place]) for place in (0, 1))
    before, after, at_ns = int(segments.ttl[last]), int(segments.ttl[first]), int(segments.time_ns[first])
    nearest = min(failed, key=lambda verdict: abs(verdict.time_ns - at_ns))
    from_it = wording.span(abs(nearest.time_ns - at_ns))
    order = "before" if nearest.time_ns >= at_ns else "after"
    return _verdict(
        connection,
        at_ns,
        f"The TTL of the server's packets stepped from {before} to {after} in mid-connection, {from_it} "
        f"{order} what failed on connection {nearest.connection.id} was sent.",
        Evidence(int(segments.number[last]), f"from the server, TTL {before}"),
        Evidence(int(segments.number[first]), f"from the server, TTL {after}"),
    )


def _apart(traffic: Traffic, failed: Sequence[Verdict], server: Endpoint) -> Iterator[Verdict]:
    """Failing connections, where their TTLs are not those of any good one."""
    failing = {verdict.connection.id: verdict.connection for verdict in failed}
    good = (
        connection
        for connection in traffic.by_server.get(server, ())
        if connection.id not in failing
        and connection.exchanges
        and all(exchange.outcome == "complete" for exchange in connection.exchanges)
    )
    bad_ttls = _ttls(list(failing.values())[:_NEIGHBOURS])
    good_ttls = _ttls(list(islice(good, _NEIGHBOURS)))
    if len(bad_ttls) < _FEWEST_FAILING or len(good_ttls) < _FEWEST_GOOD:
        return
    usual = {ttl for _, ttl in good_ttls}
    if usual & {ttl for _, ttl in bad_ttls}:
        return
    other = good_ttls[0][0]
    for connection, ttl in bad_ttls:
        yield _verdict(
            connection,
            connection.opened_ns,
            f"The server's packets have TTL {ttl} here and {_list(usual)} on "
            f"{plurals.count(len(good_ttls), 'connection')} without failure.",
            Evidence(_from_server(connection), f"from the server, TTL {ttl}"),
            Evidence(_from_server(other), f"from the server, TTL {good_ttls[0][1]}: connection {other.id}"),
        )


def _ttls(connections: list[Connection]) -> list[tuple[Connection, int]]:
    found = ((connection, usual_ttl(connection)) for connection in connections)
    return [(connection, ttl) for connection, ttl in found if ttl is not None]


def _from_server(connection: Connection) -> int:
    """A packet of the server's with its usual TTL."""
    segments = connection.segments
    if segments is None:
        return connection.first_packet
    usual = segments.ttl == usual_ttl(connection)
    rows = np.flatnonzero(usual & (segments.side == Side.SERVER) & (segments.flags & (SYN | RST) == 0))
    return int(segments.number[rows[0]])


def _list(ttls: set[int]) -> str:
    return " or ".join(map(str, sorted(ttls)[:3]))


def _verdict(connection: Connection, time_ns: int, facts: str, *evidence: Evidence) -> Verdict:
    return Verdict(
        code="path-change",
        connection=connection,
        exchanges=(),
        fault="unknown",
        grounds=(Ground.GUESS,),
        facts=facts,
        evidence=evidence,
        runner_up="another machine under the same address: not excluded, its packets look the same",
        time_ns=time_ns,
    )
