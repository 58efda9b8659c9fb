"""Rule websocket-upgrade-refused: the request for a WebSocket was answered with something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.exchanges import SERVER_ERROR_STATUS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.model import Fault

_REFUSED_STATUSES = frozenset((401, 403, 407))
"""RFC 9110 sections 15.5.2, 15.5.4 and 15.5.8."""
_RIGHTS = (
    "Look in the log for which rule refused it: credentials, a list of origins (CORS settings), or the "
    "application's own answer before it accepts."
)
_AS_ORDINARY = (
    "So answers a server that saw an ordinary request, or does not know the path: a proxy in between that "
    "does not pass Upgrade and Connection on makes one of it."
)

_REDIRECTIONS = range(300, 400)
"""RFC 9110 section 15.4."""


def websocket_upgrade_refused(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests for a WebSocket (RFC 6455 section 4.1, RFC 8441 section 5) that did not become one."""
    return [_refused(case) for case in exchanges.upgrades]


def _refused(case: Answered) -> Verdict:
    status = case.response.status
    fault, why = _why(status)
    return Verdict(
        code="websocket-upgrade-refused",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault=fault,
        grounds=(Ground.SAID,),
        facts=f"The client asked for a WebSocket and got status {status}{_instead(case)}. {why}",
        evidence=(
            Evidence(case.request.packet, "the request for a WebSocket"),
            Evidence(case.response.packet, f"the response, status {status}"),
        ),
        runner_up="a WebSocket that ended at once: refuted, none began",
        time_ns=case.request.time_ns,
        advice_server=_RIGHTS if status in _REFUSED_STATUSES else "",
    )


def _instead(case: Answered) -> str:
    return " in place of 101" if case.exchange.protocol == "http/1.1" else ""


def _why(status: int) -> tuple[Fault, str]:
    if status in _REFUSED_STATUSES:
        return "unknown", "It was refused for its credentials or its origin."
    if status >= SERVER_ERROR_STATUS:
        return "server", "The server, or what is behind it, failed."
    if status in _REDIRECTIONS:
        return "both", "It was redirected; clients of WebSockets mostly do not follow."
    return "server", _AS_ORDINARY
