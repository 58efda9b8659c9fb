"""Rule dns-failure: the name was not resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.name_lookups import MOST_ASKED, MOST_CITED, asked_ns
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.traffic.name_lookups import NameLookups
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Lookup


_WAIT_NS = 5_000_000_000
"""How long resolvers wait for a name server: glibc's default (resolv.conf(5), timeout)."""


def dns_failure(traffic: Traffic, _verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Questions that were refused, or never answered, for a name that has addresses at other times."""
    found: list[Verdict] = []
    for lookup in traffic.lookups:
        directory = traffic.name_lookups
        if lookup.addresses or not _resolves(directory, lookup) or not _failed(traffic, lookup):
            continue
        connection = directory.to(lookup.name)
        if connection is None:
            continue
        said = f"answered {lookup.code}" if lookup.code else "did not answer"
        found.append(
            Verdict(
                code="dns-failure",
                connection=connection,
                exchanges=(),
                fault="unknown",
                grounds=(Ground.INFERENCE,),
                facts=f"{lookup.server} {said} when asked for {lookup.name} ({lookup.type}); at other times "
                "the name was resolved.",
                evidence=(
                    *(Evidence(packet, "the question") for packet, _ in lookup.sent[:MOST_CITED]),
                    *((Evidence(lookup.answer, lookup.code),) if lookup.answer is not None else ()),
                ),
                runner_up="a name that does not exist: refuted, it had addresses at other times",
                retry_safe=True,
                time_ns=asked_ns(lookup),
            )
        )
    return found


def _resolves(directory: NameLookups, lookup: Lookup) -> bool:
    return any(other.addresses for other in directory.of_name[lookup.name, lookup.type][:MOST_ASKED])


def _failed(traffic: Traffic, lookup: Lookup) -> bool:
    """Whether nobody gave an address in time: not this server, and no other one that was asked as well."""
    ended = lookup.answered_ns if lookup.answered_ns is not None else lookup.sent[-1][1] + _WAIT_NS
    if not lookup.refused and (lookup.code or ended > traffic.ended_ns):
        return False
    began = asked_ns(lookup)
    return not any(
        other.addresses for other in traffic.name_lookups.same(lookup, began - _WAIT_NS, ended + _WAIT_NS)
    )
