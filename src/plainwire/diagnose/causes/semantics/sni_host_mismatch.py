"""Rule sni-host-mismatch: the request is for another name than the TLS connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.exchanges import ERROR_STATUS

from .status import FEWEST_REFUSED, for_another_name, status_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Endpoint

_REFUSING = frozenset((400, 403))
"""What servers that do not know 421 say (RFC 9110 sections 15.5.1 and 15.5.4)."""


def sni_host_mismatch(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests for another name than the connection's, all refused, where those that agree were not."""
    refused = [c for c in exchanges.errors if c.response.status in _REFUSING and for_another_name(c)]
    if not refused:
        return []
    bad: dict[Endpoint, list[Answered]] = {}
    for case in refused:
        bad.setdefault(case.connection.server, []).append(case)
    found = []
    for server, cases in bad.items():
        here = [c for c in exchanges.answered if c.connection.server == server]
        differing = [c for c in here if for_another_name(c)]
        good = [c for c in here if not for_another_name(c) and c.response.status < ERROR_STATUS]
        if len(differing) != len(cases) or len(good) < FEWEST_REFUSED or len(cases) < FEWEST_REFUSED:
            continue
        found += [
            status_verdict(
                "sni-host-mismatch",
                case,
                "The request is for another name than its TLS connection (SNI) and was refused, as all "
                f"{len(cases)} of that kind were; {len(good)} whose names agree were answered.",
                "client",
                "a refusal of the request itself: all requests whose names agree were answered",
            )
            for case in cases
        ]
    return found
