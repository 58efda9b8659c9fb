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

_BAD_REQUEST = 400
"""RFC 9110 section 15.5.1: what Engine.IO says to a session that it does not know."""
_OF_ENGINE_IO = frozenset(("EIO", "sid"))
"""Parameters of a request of Engine.IO (which Socket.IO speaks) in a session that another request opened."""
_OTHER_SERVER = (
    "The request names a session (sid) of Engine.IO, which Socket.IO speaks, that another request opened: "
    "so answers one of several servers or workers that did not open it, or one that was restarted since."
)
_STICK = (
    "Keep all requests of a client at one server and worker (sticky sessions: nginx ip_hash, HAProxy cookie, "
    "@socket.io/sticky for Node's cluster; one worker for Gunicorn)."
)
_ONLY_WEBSOCKETS = (
    "Speak WebSocket from the first request on (transports: ['websocket']), which needs no session."
)

_REDIRECTIONS = range(300, 400)
"""RFC 9110 section 15.4."""


def websocket_upgrade_refused(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests for a WebSocket (RFC 6455 section 4.1, RFC 8441 section 5) that did not become one."""
    return [_refused(case) for case in exchanges.upgrades]


def _refused(case: Answered) -> Verdict:
    status, unknown = case.response.status, _names_a_session(case)
    fault, ground, why = _why(case)
    return Verdict(
        code="websocket-upgrade-refused",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault=fault,
        grounds=(ground,),
        facts=f"The client asked for a WebSocket and got status {status}{_instead(case)}. {why}",
        evidence=(
            Evidence(case.request.packet, "the request for a WebSocket"),
            Evidence(case.response.packet, f"the response, status {status}"),
        ),
        runner_up="a WebSocket that ended at once: refuted, none began",
        time_ns=case.request.time_ns,
        advice_client=_ONLY_WEBSOCKETS if unknown else "",
        advice_server=_STICK if unknown else _RIGHTS if status in _REFUSED_STATUSES else "",
    )


def _names_a_session(case: Answered) -> bool:
    query = case.request.target.partition("?")[2]
    names = {part.partition("=")[0] for part in query.split("&")}
    return case.response.status == _BAD_REQUEST and names >= _OF_ENGINE_IO


def _instead(case: Answered) -> str:
    return " in place of 101" if case.exchange.protocol == "http/1.1" else ""


def _why(case: Answered) -> tuple[Fault, Ground, str]:
    """Who is to look, and why; where the status does not say that itself, it is concluded."""
    status = case.response.status
    if status in _REFUSED_STATUSES:
        return "unknown", Ground.SAID, "It was refused for its credentials or its origin."
    if status >= SERVER_ERROR_STATUS:
        return "server", Ground.SAID, "The server, or what is behind it, failed."
    if status in _REDIRECTIONS:
        return "both", Ground.SAID, "It was redirected; clients of WebSockets mostly do not follow."
    return "server", Ground.INFERENCE, _OTHER_SERVER if _names_a_session(case) else _AS_ORDINARY
