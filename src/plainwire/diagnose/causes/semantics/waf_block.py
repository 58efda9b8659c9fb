"""Rule waf-block: something in front of the server refused the request with a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value

from .status import status_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict

_BLOCKING = frozenset((403, 406))
"""Statuses with which firewalls for applications refuse (RFC 9110 sections 15.5.4 and 15.5.7)."""

_WHERE_MARKED = _BLOCKING | {429, 503}
"""Every server has a page of its own for these two as well: they need the firewall's mark."""


def waf_block(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Pages for people in place of the data that the same place gives otherwise."""
    found = []
    for case in exchanges.errors:
        marked = value(case.response, "cf-mitigated") is not None
        if (
            case.response.status not in (_WHERE_MARKED if marked else _BLOCKING)
            or not _is_page(case)
            or exchanges.succeeded_later(case) is not None
        ):
            continue
        near = exchanges.neighbours(case)
        others = [c for c in near if c.response.status < ERROR_STATUS and c.response.body_size]
        if not marked and (not others or any(_is_page(c) for c in others)):
            continue
        mark = " It has the header field cf-mitigated." if marked else ""
        contrast = (
            f" {plurals.count(len(others), 'response')} from the same place had data." if others else ""
        )
        verdict = status_verdict(
            "waf-block",
            case,
            f"In place of data came a page of HTML with status {case.response.status}: something in front of "
            f"the server refused the request.{mark}{contrast}",
            "server",
            "a refusal by the application: it answers with data here, not with pages",
        )
        found.append(verdict if marked else replace(verdict, grounds=(Ground.SAID, Ground.INFERENCE)))
    return found


def _is_page(case: Answered) -> bool:
    return (value(case.response, "content-type") or "").lower().startswith("text/html")
