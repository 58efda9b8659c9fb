"""Rule tls-version-or-cipher-by-backend: one address of a name refuses what the others accept.

Nothing is said where the numbers are too small to show it (Fisher's exact test).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.statistics.exact import fisher_greater
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Side

from .resumption_failure import FEWEST_BAD, LEVEL, first_packets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Endpoint


_PARAMETERS = frozenset(("protocol_version", "handshake_failure", "insufficient_security"))


def tls_version_or_cipher_by_backend(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
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
        same = [c for c in traffic.connections if c.tls is not None and c.tls.server_name == name]
        good = [c for c in same if c.tls is not None and c.tls.handshake_complete]
        here = [c for c in good if c.server == server]
        elsewhere = [c for c in good if c.server != server]
        if here or len(bad) < FEWEST_BAD or len(elsewhere) < FEWEST_BAD:
            continue
        p = fisher_greater(len(bad), 0, 0, len(elsewhere))
        if p < LEVEL:
            found.append(_by_backend(bad, elsewhere, p))
    return found


def _by_backend(bad: list[Connection], good: list[Connection], p: float) -> Verdict:
    first = bad[0]
    return Verdict(
        code="tls-version-or-cipher-by-backend",
        connection=first,
        exchanges=(),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"All {len(bad)} handshakes with {wording.address(first)} were refused; {len(good)} with "
        f"{len({c.server for c in good})} other addresses of the same name were accepted (p = {p:.2g}, "
        "Fisher's exact test).",
        evidence=(
            *first_packets(bad, "a connection whose handshake was refused"),
            *first_packets(good[:2], "a connection to another address, accepted,"),
        ),
        runner_up="a client that asks too much: refuted, the other addresses accept the same",
        retry_safe=True,
        time_ns=first.opened_ns,
        failure=False,
    )
