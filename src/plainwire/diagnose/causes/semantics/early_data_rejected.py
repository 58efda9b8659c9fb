"""Rule early-data-rejected: a request in early data was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .status import TOO_EARLY, status_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict


def early_data_rejected(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests in early data that were refused and not sent again (RFC 8470 section 5.2)."""
    return [
        status_verdict(
            "early-data-rejected",
            case,
            "The server refused to act on a request in early data (status 425), and the client did not send "
            "it again.",
            "client",
            "a refused request that is sent again: refuted, no such is in the capture",
        )
        for case in exchanges.errors
        if case.response.status == TOO_EARLY and exchanges.succeeded_later(case) is None
    ]
