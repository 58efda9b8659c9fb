"""Rule dns-stale-or-split: the client used an address that the name no longer has."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.name_lookups import MOST_ASKED, asked_ns
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.traffic.name_lookups import NameLookups
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Lookup


def dns_stale_or_split(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Connections that were not accepted, at an address that the newest answer for the name lacks."""
    found: list[Verdict] = []
    for verdict in verdicts if traffic.lookups else ():
        connection = verdict.connection
        address = connection.server.address
        name = traffic.name_lookups.names.get(address) if traffic.causes[verdict.code].unreached else None
        if name is None:
            continue
        newest = _newest(traffic.name_lookups, name, "AAAA" if ":" in address else "A", connection.opened_ns)
        if newest is None or newest.answer is None or address in newest.addresses:
            continue
        count = len(newest.addresses)
        found.append(
            Verdict(
                code="dns-stale-or-split",
                connection=connection,
                exchanges=(),
                fault="unknown",
                grounds=(Ground.GUESS,),
                facts=f"{address} was not among the {plurals.count(count, 'address')} that {newest.server} "
                f"gave for {name} last, although another answer had named it. Some name servers give only a "
                "part of a name's addresses each time.",
                evidence=(
                    Evidence(newest.answer, f"the newest answer for {name}, without {address}"),
                    Evidence(connection.first_packet, f"the SYN to {address}"),
                ),
                runner_up="an address of another name: refuted, an answer for this name held it",
                retry_safe=True,
                time_ns=connection.opened_ns,
            )
        )
    return found


def _newest(directory: NameLookups, name: str, kind: str, at_ns: int) -> Lookup | None:
    """The last answer with addresses for the name before a moment."""
    lookups = directory.of_name.get((name, kind), [])
    end = bisect_right(lookups, at_ns, key=asked_ns)
    answered = (k for k in lookups[max(0, end - MOST_ASKED) : end] if k.addresses)
    return max((k for k in answered if (k.answered_ns or 0) <= at_ns), key=asked_ns, default=None)
