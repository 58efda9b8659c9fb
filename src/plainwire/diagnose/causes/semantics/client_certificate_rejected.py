"""Rule client-certificate-rejected: the handshake went through, and HTTP refused the client's certificate.

A server that asks for a client certificate may let the handshake pass whatever comes, and answer the
request with a status (nginx: 400 with an inner 495 or 496; Apache: 403). Only where the certificate is
missing, or out of date, or another one is accepted, do the packets show that it is the certificate. Others
close without a word.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .status import status_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Endpoint, TlsInfo

_REFUSALS = frozenset((400, 403, 495, 496))
"""nginx answers 400 (its log says 495 or 496, which some gateways send on), Apache and others 403."""

_MOST_COMPARED = 500


def client_certificate_rejected(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests refused where the client had shown no certificate, an old one, or another than is accepted."""
    found, others = [], _Accepted(exchanges.traffic)
    for case in exchanges.errors:
        tls = case.connection.tls
        if tls is None or not tls.certificate_asked or case.response.status not in _REFUSALS:
            continue
        defect = _defect(case)
        accepted = others.with_another(case)
        if not defect and accepted is None:
            continue
        if _answered_here(case):
            continue
        contrast = (
            ""
            if accepted is None
            else f" With another certificate the same request was accepted, on connection {accepted.id}."
        )
        verdict = status_verdict(
            "client-certificate-rejected",
            case,
            f"The server had asked for a client certificate. {defect or 'The client sent one.'} The "
            "handshake went through all the same, and the request was refused with status "
            f"{case.response.status}.{contrast}",
            "client",
            "a request that is malformed: the same request is accepted with another certificate"
            if accepted is not None
            else "a request that the server refuses for another reason: the response's body would say so",
            more=()
            if accepted is None
            else (Evidence(accepted.first_packet, f"connection {accepted.id} begins, which was accepted"),),
        )
        found.append(replace(verdict, grounds=(Ground.SAID, Ground.INFERENCE)))
    return found


def certificate_not_shown(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server ended the connection, without an alert, in place of the first response.

    Python's asyncio drops the alert certificate_required (uvicorn, aiohttp). What asks without requiring
    answers other connections that show none.
    """
    connection, close = failed.connection, failed.server_close
    tls = connection.tls
    if tls is None or not tls.certificate_withheld or close is None or close is not failed.first_close:
        return None
    if failed.exchange.ordinal != 1 or failed.exchange.response is not None or close.kind == "alert":
        return None
    known = failed.traffic.by_server.get(connection.server, ())
    if any(_is_answered(c) for c in islice(known, _MOST_COMPARED)):
        return None
    return Verdict(
        code="client-certificate-rejected",
        connection=connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts="The server had asked for a client certificate in the handshake, the client sent none, and the "
        f"server ended the connection ({wording.act(close)}) without an alert and without an answer to the "
        "first request.",
        evidence=(
            Evidence(connection.first_packet, "the connection begins"),
            Evidence(failed.request.packet, "the first request"),
            Evidence(close.packet, f"{wording.act(close)} from the server"),
        ),
        runner_up="keepalive-idle-race: refuted, the connection had not been idle",
        retry_safe=True,
        time_ns=failed.request.time_ns,
    )


def _is_answered(connection: Connection) -> bool:
    """Whether a client without a certificate was answered on it."""
    withheld = connection.tls is not None and connection.tls.certificate_withheld
    return withheld and any(e.response is not None for e in islice(connection.exchanges, _MOST_COMPARED))


def _defect(case: Answered) -> str:
    """What is wrong with the client's certificate by itself."""
    tls = case.connection.tls
    if tls is None:
        return ""
    if tls.certificate_withheld:
        return "The client sent none."
    if _is_of_another(tls):
        named = plurals.count(len(tls.authorities), "authority")
        return f"The issuer of the one that the client sent is not among the {named} that the server named."
    return _out_of_date(tls, case.request.time_ns)


def _out_of_date(tls: TlsInfo, now: int) -> str:
    leaf = tls.client_leaf
    if leaf is None or leaf.defect:
        return ""
    if leaf.not_after_ns < now:
        ago = wording.long_span(now - leaf.not_after_ns)
        return f"The one that the client sent had expired {ago} before, by the capture's clock."
    if leaf.not_before_ns > now:
        ahead = wording.long_span(leaf.not_before_ns - now)
        return f"The one that the client sent becomes valid only {ahead} later, by the capture's clock."
    return ""


def _is_of_another(tls: TlsInfo) -> bool:
    """Whether a certificate that came alone names none of the authorities that are accepted.

    Names are compared as they are on the wire; a chain may lead to one of them by another certificate.
    """
    own = tls.client_certificate
    return (
        bool(tls.authorities and own)
        and tls.client_chain == 1
        and not any(name in own for name in tls.authorities)
    )


class _Accepted:
    """On which connections servers accepted requests: each server's are gone through once."""

    def __init__(self, traffic: Traffic) -> None:
        self._by_server = traffic.by_server
        self._found: dict[Endpoint, dict[tuple[str, str], list[Connection]]] = {}

    def with_another(self, case: Answered) -> Connection | None:
        """A connection on which the same request was accepted, with another client certificate."""
        mine, server = case.connection.tls, case.connection.server
        if server not in self._found:
            self._found[server] = _by_request(self._by_server.get(server, ()))
        same = self._found[server].get((case.request.method, case.request.target), ())
        return next((c for c in same if mine is not None and _shown(c) != mine.client_certificate), None)


def _by_request(connections: Sequence[Connection]) -> dict[tuple[str, str], list[Connection]]:
    """By method and target: the first connection on which it was accepted, and the first with another client
    certificate than that one: whichever certificate is asked about, one of the two has another.
    """
    found: dict[tuple[str, str], list[Connection]] = {}
    for connection in islice(connections, _MOST_COMPARED):
        if not _shown(connection):
            continue
        for e in islice(connection.exchanges, _MOST_COMPARED):
            if e.request is not None and e.response is not None and e.response.status < min(_REFUSALS):
                same = found.setdefault((e.request.method, e.request.target), [])
                if not same or (len(same) == 1 and _shown(same[0]) != _shown(connection)):
                    same.append(connection)
    return found


def _shown(connection: Connection) -> bytes:
    """The client's certificate; empty without one."""
    return connection.tls.client_certificate if connection.tls is not None else b""


def _answered_here(case: Answered) -> bool:
    """Whether another request was accepted on the same connection: then the certificate is accepted."""
    return any(
        e.response is not None and e.response.status < min(_REFUSALS)
        for e in islice(case.connection.exchanges, _MOST_COMPARED)
    )
