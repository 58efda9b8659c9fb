"""Rule cert-refused-without-alert: a client saw the server's certificate, and closed without an alert.

curl, Node and others check the name, the issuer or the OCSP answer by themselves, inside the handshake or
just after it, and then simply close. On the wire that is a client which ends the connection right behind the
server's flight, each time, without a request. Other clients do that too: health checks, scanners, browsers
that opened one connection too many. So that something in the certificate, or how far the handshake had
come, must speak for a refusal.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.certificate_defects import (
    certificate_defect,
    is_expired,
    lacks_address,
    lacks_staple,
    signed_itself,
)
from plainwire.diagnose.evidence.certificate_names import is_for_another_name, quoted_names
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .words import CLIENT_OF_ANOTHER_NAME, SERVER_OF_ANOTHER_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import CloseEvent, Connection, Fault, TlsInfo

_REFUSES_WITHIN_NS = 1_000_000_000
"""A client that checks a certificate has done so by then, even where it asks an OCSP responder."""

_LOADS_WITHIN_NS = 3_000_000_000
"""The same of one that has not finished its handshake: Java loads what it checks with when it first does."""

_MOST_COMPARED = 500

_STAPLE = "Have the server staple OCSP responses (nginx: ssl_stapling), or a certificate without that demand."


def cert_refused_without_alert(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where the client left right behind the server's certificate, without alert and request."""
    tls, begin = opening.handshake_session(connection), opening.of_handshake(connection)
    close = connection.closes[0] if connection.closes else None
    if (
        tls is None
        or begin is None
        or close is None
        or not begin.answers
        or not _left(connection, tls, close)
        or not (tls.flight_whole or tls.handshake_complete)  # it waited for the rest
    ):
        return None
    last = max(
        (s for s in begin.answers if s.time_ns <= close.time_ns), key=lambda s: s.time_ns, default=None
    )
    within = _REFUSES_WITHIN_NS if tls.handshake_complete else _LOADS_WITHIN_NS
    if last is None or close.time_ns - last.time_ns > within:
        return None
    fault, why = _reason(connection, tls)
    same = list(_same(connection, tls, traffic))
    if not is_for_another_name(tls) and any(_was_used(other) for other in same):
        return None
    if tls.handshake_complete and not _is_odd(connection, tls):
        return None  # as a health check does it, whatever the chain
    often = sum(_looks_alike(other) for other in same)
    return _verdict(connection, begin, close, tls, (fault, why, often))


def _left(connection: Connection, tls: TlsInfo, close: CloseEvent) -> bool:
    """Whether the client was the first to close, and had sent no data of the application."""
    return (
        bool(tls.certificate)
        and not _unread_before(connection, close)
        and close.side == Side.CLIENT
        and close.kind in ("fin", "rst", "close_notify")
        and not tls.talked[Side.CLIENT]
        and not (tls.resumed or tls.early_data)
    )


def _unread_before(connection: Connection, close: CloseEvent) -> bool:
    """Whether something could not be read that came ahead of the close.

    A server whose client left says so by an alert under a key that the client never had.
    """
    return any(
        unread.side != Side.SERVER or unread.packet is None or unread.packet <= close.packet
        for unread in connection.undecrypted
    )


def _is_odd(connection: Connection, tls: TlsInfo) -> bool:
    """Whether many clients would refuse the certificate: for its name, its date, itself, or no OCSP."""
    return (
        is_for_another_name(tls)
        or lacks_address(connection, tls)
        or is_expired(connection, tls)
        or signed_itself(tls)
        or (tls.status_requested and not tls.stapled)
    )


def _reason(connection: Connection, tls: TlsInfo) -> tuple[Fault, str]:
    """What a client may well refuse, and who is to look."""
    fault, why = certificate_defect(connection, tls)
    if tls.status_requested and not (tls.stapled or lacks_staple(tls)) and not is_for_another_name(tls):
        why = f"{why} The client had asked for a stapled OCSP response, and none came.".strip()
    return fault, why


def _same(connection: Connection, tls: TlsInfo, traffic: Traffic) -> Iterator[Connection]:
    """The client's connections to this server that were given the same certificate, this one included."""
    for other in islice(traffic.by_server.get(connection.server, ()), _MOST_COMPARED):
        theirs = opening.handshake_session(other)
        if (
            theirs is not None
            and other.client.address == connection.client.address
            and theirs.certificate == tls.certificate
        ):
            yield other


def _was_used(connection: Connection) -> bool:
    tls = opening.handshake_session(connection)
    close = connection.closes[0] if connection.closes else None
    unread = _unread_before(connection, close) if close is not None else bool(connection.undecrypted)
    return tls is not None and (tls.talked[Side.CLIENT] or unread)


def _looks_alike(connection: Connection) -> bool:
    tls = opening.handshake_session(connection)
    return tls is not None and bool(connection.closes) and _left(connection, tls, connection.closes[0])


def _verdict(
    connection: Connection,
    begin: Opening,
    close: CloseEvent,
    tls: TlsInfo,
    reason: tuple[Fault, str, int],
) -> Verdict:
    fault, why, often = reason
    stage = "right after the handshake" if tls.handshake_complete else "in the handshake, before its Finished"
    times = f" It did so {often} times of {often} with this certificate." if often > 1 else ""
    wrong = is_for_another_name(tls) or is_expired(connection, tls)
    sure = is_for_another_name(tls) or (often > 1 and (wrong or not tls.handshake_complete) and why)
    hello = begin.client_data[0].packet
    flight = [s.packet for s in begin.answers if s.time_ns <= close.time_ns][-1]
    return Verdict(
        code="cert-refused-without-alert",
        connection=connection,
        exchanges=(),
        fault=fault,
        grounds=(Ground.INFERENCE,) if sure else (Ground.GUESS,),
        facts=f"The client ended the connection ({wording.act(close)}) {stage}, when it had the server's "
        f"certificate, without an alert and without a request.{times} {why}".rstrip(),
        evidence=(
            Evidence(hello, "the ClientHello"),
            Evidence(flight, "the server's flight, with its certificate"),
            Evidence(close.packet, f"{wording.act(close)} from the client, no alert before it"),
        ),
        quotes=quoted_names(tls, hello, flight) if is_for_another_name(tls) else (),
        runner_up="a client that only looks whether the server is there (a health check): possible where no "
        "program failed",
        retry_safe=True,
        time_ns=connection.opened_ns,
        advice_client=CLIENT_OF_ANOTHER_NAME if is_for_another_name(tls) else "",
        advice_server=_advice_for_server(tls),
    )


def _advice_for_server(tls: TlsInfo) -> str:
    if is_for_another_name(tls):
        return SERVER_OF_ANOTHER_NAME
    return _STAPLE if lacks_staple(tls) else ""
