"""Rule resumption-failure: connections that resume a session fail, full handshakes do not.

Nothing is said where the numbers are too small to show it (Fisher's exact test).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.statistics.exact import fisher_greater
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


FEWEST_BAD = 3
"""Connections of either kind: with fewer no test can tell (Fisher's exact test)."""

LEVEL = 0.01
"""Probability that chance alone makes so large a difference."""

_MOST_CITED = 4


def resumption_failure(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Connections that failed because they resumed a session: full handshakes do not fail."""
    failed: dict[int, Verdict] = {}
    for verdict in verdicts:
        if verdict.fault != "client" and verdict.code != "capture-artifact":
            failed.setdefault(verdict.connection.id, verdict)
    found: list[Verdict] = []
    for server in dict.fromkeys(verdict.connection.server for verdict in failed.values()):
        found += _of_server(traffic.by_server.get(server, []), failed)
    return found


def _of_server(connections: list[Connection], failed: dict[int, Verdict]) -> list[Verdict]:
    told = [c for c in connections if c.tls is not None and c.tls.resumed is not None]
    resumed = [c for c in told if c.tls is not None and c.tls.resumed]
    bad = [c for c in resumed if c.id in failed and _in_first_exchange(c, failed[c.id])]
    full = [c for c in told if c.tls is not None and not c.tls.resumed]
    full_bad = [c for c in full if c.id in failed]
    if len(bad) < FEWEST_BAD or len(full) - len(full_bad) < FEWEST_BAD:
        return []
    p = fisher_greater(len(bad), len(full_bad), len(resumed) - len(bad), len(full) - len(full_bad))
    if p >= LEVEL:
        return []
    first = bad[0]
    return [
        Verdict(
            code="resumption-failure",
            connection=first,
            exchanges=(),
            fault="server",
            grounds=(Ground.INFERENCE,),
            facts=f"{len(bad)} of {len(resumed)} connections that resumed a session failed, and "
            f"{len(full_bad)} of {len(full)} with a full handshake (p = {p:.2g}, Fisher's exact test).",
            evidence=first_packets(bad, "a connection that resumed a session and failed"),
            runner_up="another cause that strikes all connections alike: refuted by these counts",
            retry_safe=None,
            time_ns=first.opened_ns,
        )
    ]


def _in_first_exchange(connection: Connection, verdict: Verdict) -> bool:
    """Whether the failure came at once: a session that was resumed well does not fail later for that."""
    first = next((e.id for e in connection.exchanges if e.request is not None), None)
    return not verdict.exchanges or first in verdict.exchanges


def first_packets(connections: Iterable[Connection], says: str) -> tuple[Evidence, ...]:
    """The first packets of some of these connections, as evidence."""
    return tuple(Evidence(c.first_packet, f"{says} begins") for c in list(connections)[:_MOST_CITED])
