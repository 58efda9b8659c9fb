"""Rule overload-5xx: the server answered with an error of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import SERVER_ERROR_STATUS

from .method_or_path_specific_crash import method_or_path_specific_crash
from .status import UNAVAILABLE, status_verdict, wait_ns

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict


_CLIENT_S_OWN = frozenset((501, 505, 511))
"""5xx that answer what the client asked for, not how the server is."""


def overload_5xx(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Other errors of the server's own: of one place only, or of overload or failure in general."""
    found = []
    for case in exchanges.errors:
        status = case.response.status
        if status < SERVER_ERROR_STATUS or status in _CLIENT_S_OWN:
            continue
        if status == UNAVAILABLE and exchanges.mended(case) is not None:
            continue
        mended = exchanges.succeeded_later(case)
        sick = method_or_path_specific_crash(exchanges, case)
        if sick is not None:
            found.append(sick)
            continue
        again = f" The same request succeeded as exchange {mended.exchange.id} later." if mended else ""
        wait = wait_ns(case)
        asks = "" if wait is None else f" It asks to wait {wording.span(wait)}."
        found.append(
            status_verdict(
                "overload-5xx",
                case,
                f"The server answered with status {status}, {wording.span(case.first_byte_ns)} after the "
                f"request: by that it says itself that the fault is on its side.{asks}{again}",
                "server",
                "gateway-timeout: refuted, the status is another"
                if status != UNAVAILABLE
                else "rate-limited: refuted, it does not ask to wait",
            )
        )
    return found
