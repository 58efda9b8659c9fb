"""Rules of family D that need several connections: resumed sessions, addresses that differ.

Nothing is said where the numbers do not bear it (Fisher's exact test).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import words
from .statistics.exact import fisher_greater
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from plainwire.model import Connection, Endpoint

    from .world import World

_FEWEST = 3
_LEVEL = 0.01
_PARAMETERS = frozenset(("protocol_version", "handshake_failure", "insufficient_security"))
_MOST_CITED = 4


def resumption_failure(world: World, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Connections that failed because they resumed a session: full handshakes do not fail."""
    failed: dict[int, Verdict] = {}
    for verdict in verdicts:
        if verdict.fault != "client" and verdict.code != "capture-artifact":
            failed.setdefault(verdict.connection.id, verdict)
    found: list[Verdict] = []
    for server in dict.fromkeys(verdict.connection.server for verdict in failed.values()):
        found += _of_server(world.by_server.get(server, []), failed)
    return found


def _of_server(connections: list[Connection], failed: dict[int, Verdict]) -> list[Verdict]:
    told = [c for c in connections if c.tls is not None and c.tls.resumed is not None]
    resumed = [c for c in told if c.tls is not None and c.tls.resumed]
    bad = [c for c in resumed if c.id in failed and _in_first_exchange(c, failed[c.id])]
    full = [c for c in told if c.tls is not None and not c.tls.resumed]
    full_bad = [c for c in full if c.id in failed]
    if len(bad) < _FEWEST or len(full) - len(full_bad) < _FEWEST:
        return []
    p = fisher_greater(len(bad), len(full_bad), len(resumed) - len(bad), len(full) - len(full_bad))
    if p >= _LEVEL:
        return []
    first = bad[0]
    return [
        Verdict(
            code="resumption-failure",
            connection=first,
            exchanges=(),
            fault="server",
            certainty="likely",
            facts=f"{len(bad)} of {len(resumed)} connections that resumed a session failed, and "
            f"{len(full_bad)} of "
            f"{len(full)} with a full handshake (p = {p:.2g}, Fisher's exact test).",
            evidence=_connections(bad, "a connection that resumed a session and failed"),
            runner_up="another cause that strikes all connections alike: refuted by these counts",
            retry_safe=None,
            time_ns=first.opened_ns,
        )
    ]


def _in_first_exchange(connection: Connection, verdict: Verdict) -> bool:
    """Whether the failure came at once: a session that was resumed well does not fail later for that."""
    first = next((e.id for e in connection.exchanges if e.request is not None), None)
    return not verdict.exchanges or first in verdict.exchanges


def _connections(connections: Iterable[Connection], says: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(c.first_packet, f"{says} begins") for c in list(connections)[:_MOST_CITED])


def parameters_by_backend(world: World, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """One address of a name that refuses what the others accept."""
    refused: dict[tuple[str, Endpoint], list[Connection]] = {}
    for verdict in verdicts:
        close = verdict.connection.closes[0] if verdict.connection.closes else None
        tls = verdict.connection.tls
        if close is None or tls is None or not tls.server_name or close.side != Side.SERVER:
            continue
        if close.kind == "alert" and close.detail in _PARAMETERS and not verdict.exchanges:
            refused.setdefault((tls.server_name, verdict.connection.server), []).append(verdict.connection)
    found: list[Verdict] = []
    for (name, server), bad in refused.items():
        same = [c for c in world.connections if c.tls is not None and c.tls.server_name == name]
        good = [c for c in same if c.tls is not None and c.tls.handshake_complete]
        here = [c for c in good if c.server == server]
        elsewhere = [c for c in good if c.server != server]
        if here or len(bad) < _FEWEST or len(elsewhere) < _FEWEST:
            continue
        p = fisher_greater(len(bad), 0, 0, len(elsewhere))
        if p < _LEVEL:
            found.append(_by_backend(bad, elsewhere, p))
    return found


def _by_backend(bad: list[Connection], good: list[Connection], p: float) -> Verdict:
    first = bad[0]
    return Verdict(
        code="tls-version-or-cipher-by-backend",
        connection=first,
        exchanges=(),
        fault="server",
        certainty="likely",
        facts=f"All {len(bad)} handshakes with {words.address(first)} were refused; {len(good)} with "
        f"{len({c.server for c in good})} other addresses of the same name were accepted (p = {p:.2g}, "
        f"Fisher's exact "
        "test).",
        evidence=(
            *_connections(bad, "a connection whose handshake was refused"),
            *_connections(good[:2], "a connection to another address, accepted,"),
        ),
        runner_up="a client that asks too much: refuted, the other addresses accept the same",
        retry_safe=True,
        time_ns=first.opened_ns,
        failure=False,
    )


WHOLE_RULES: tuple[Callable[[World, Sequence[Verdict]], list[Verdict]], ...] = (
    resumption_failure,
    parameters_by_backend,
)
"""For what shows only in many connections."""
