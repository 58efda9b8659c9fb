"""Rule sni-host-mismatch: the request is for another name than the TLS connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose.evidence.certificate_names import covers
from plainwire.diagnose.evidence.defects import own_defects
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value

from .status import FEWEST_REFUSED, for_another_name, host_of, status_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Endpoint

_BAD_REQUEST = 400
"""RFC 9110 section 15.5.1."""

_REFUSING = frozenset((400, 403))
"""What servers that do not know 421 say (RFC 9110 sections 15.5.1 and 15.5.4)."""


def sni_host_mismatch(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests for another name than the connection's, all refused, where those that agree were not."""
    jetty = [verdict for case in exchanges.errors if (verdict := _by_jetty(case)) is not None]
    told = {number for verdict in jetty for number in verdict.exchanges}
    return jetty + [v for v in _all_refused(exchanges) if told.isdisjoint(v.exchanges)]


def _by_jetty(case: Answered) -> Verdict | None:
    """What Jetty calls "Invalid SNI" (SecureRequestCustomizer): it compares Host, SNI and its certificate."""
    tls, server = case.connection.tls, value(case.response, "server") or ""
    if case.response.status != _BAD_REQUEST or not server.startswith("Jetty") or tls is None:
        return None
    if not (value(case.response, "content-type") or "").startswith("text/html") or own_defects(case.request):
        return None
    leaf, fault = tls.leaf, "client"
    if not tls.server_name:
        why = "The client told no server name in TLS (SNI), as none does that connects to an address"
    elif for_another_name(case):
        why = "The request is for another name than its TLS connection (SNI)"
    elif leaf is not None and leaf.names and not covers(leaf.names, host_of(case)):
        why, fault = "The server's certificate does not cover the name of the request", "both"
    else:
        return None
    return replace(
        status_verdict(
            "sni-host-mismatch",
            case,
            f'{why}, and Jetty answered 400: so it does where names do not agree ("Invalid SNI").',
            "client" if fault == "client" else "both",
            "a defect of the request: none is visible",
        ),
        grounds=(Ground.SAID, Ground.INFERENCE),
        retry_safe=False,
        advice_client="Connect by the name for which the certificate is, not by an address or an alias.",
        advice_server="Have a certificate for each name that is used; or set sniHostCheck and sniRequired of "
        "SecureRequestCustomizer to false.",
    )


def _all_refused(exchanges: AnsweredExchanges) -> list[Verdict]:
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
