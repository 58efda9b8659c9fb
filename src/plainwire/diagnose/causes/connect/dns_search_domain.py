"""Rule dns-slow-5s, by a search domain: NAME.SUFFIX is asked for first, and gets no answer.

resolv.conf's ``search`` and ``ndots`` make the resolver try the suffixes first. Where the name server of such
a domain is silent, every connection waits for the resolver's time limit, and only then asks for the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.name_lookups import MOST_CITED, asked_ns
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Lookup

_RESOLVER_WAIT_NS = 900_000_000
"""Resolvers wait for a second at least before they give a question up: glibc for five."""

_LONGEST_SEARCH_NS = 60_000_000_000
"""In ns: glibc's five seconds, two attempts, three name servers and six search domains at most."""


def dns_search_domain(traffic: Traffic, _verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Connections that began late because a name with a search domain behind it got no answer before."""
    silent: dict[str, list[Lookup]] = {}
    for lookup in traffic.lookups:
        if lookup.answered_ns is None:
            labels = lookup.name.split(".")
            for count in range(1, len(labels)):
                silent.setdefault(".".join(labels[:count]), []).append(lookup)
    found: dict[int, Verdict] = {}
    for lookup in traffic.lookups if silent else ():
        if lookup.answered_ns is None or not lookup.addresses:
            continue
        before = [
            other
            for other in silent.get(lookup.name, ())
            if other.client == lookup.client
            and _RESOLVER_WAIT_NS <= asked_ns(lookup) - asked_ns(other) <= _LONGEST_SEARCH_NS
        ]
        connection = traffic.name_lookups.first_after(lookup) if before else None
        if connection is not None:
            found.setdefault(connection.id, _verdict(lookup, before, connection))
    return list(found.values())


def _verdict(lookup: Lookup, before: list[Lookup], connection: Connection) -> Verdict:
    first = min(before, key=asked_ns)
    sent = sorted((packet for other in before for packet, _ in other.sent))
    waited = asked_ns(lookup) - asked_ns(first)
    return Verdict(
        code="dns-slow-5s",
        connection=connection,
        exchanges=(),
        fault="unknown",
        grounds=(Ground.INFERENCE,),
        facts="The resolver first asked for the name with a search domain behind it, "
        f"{plurals.times(len(sent))} in {wording.span(waited)}, and {first.server} gave no answer; then it "
        "asked for the name itself, was answered in "
        f"{wording.span((lookup.answered_ns or 0) - asked_ns(lookup))}, and the connection began.",
        evidence=(
            *(
                Evidence(packet, "the question for the name in the search domain")
                for packet in sent[:MOST_CITED]
            ),
            Evidence(lookup.sent[0][0], "the question for the name itself"),
            *((Evidence(lookup.answer, "the answer"),) if lookup.answer is not None else ()),
            Evidence(connection.first_packet, f"connection {connection.id} begins"),
        ),
        quotes=(
            Quoted(sent[0], "the name in the search domain", first.name),
            Quoted(lookup.sent[0][0], "the name that was meant", lookup.name),
        ),
        runner_up="a name server that is slow: refuted, it answers for the name itself at once",
        retry_safe=True,
        time_ns=asked_ns(first),
        advice_client="Write the name with a dot at its end, lower ndots in resolv.conf (Kubernetes: "
        "dnsConfig, ndots 5 by default), or take the dead domain out of its search list.",
        advice_server="Have the name server answer for the search domain (NXDOMAIN will do).",
    )
