"""Rule misdirected-421: the connection was not for the name of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .status import MISDIRECTED, for_another_name, status_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict


def misdirected_421(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests on a connection that is not for their name (RFC 9110 section 15.5.20)."""
    found = []
    for case in exchanges.errors:
        if case.response.status != MISDIRECTED or exchanges.succeeded_later(case) is not None:
            continue
        nameless = _is_nameless(case)
        again = [each for each in exchanges.later(case) if each.connection.id != case.connection.id]
        tried = "also on another connection" if again else "and the client did not try another connection"
        found.append(
            status_verdict(
                "misdirected-421",
                case,
                f"The server says that this connection is not for the request's name (status 421), {tried}. "
                f"{_names(case)}",
                "client" if nameless else "server" if again else "both",
                "a refusal of the request itself: refuted, the status is about the connection",
            )
        )
    return found


def _is_nameless(case: Answered) -> bool:
    """Whether the client asked for no server at all in TLS."""
    return case.connection.tls is not None and not case.connection.tls.server_name


def _names(case: Answered) -> str:
    if _is_nameless(case):
        return (
            "The client sent no server name in TLS (SNI), so that the server could not tell for whom the "
            "connection is: another connection without it will be refused as well."
        )
    if for_another_name(case):
        return "The request's name is another than that of the TLS connection (SNI)."
    return "The request's name is that of the TLS connection."
