"""Rules tls-alert-...: a fatal alert ended the handshake, or came just after it. It names itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.captured import server_was_seen
from plainwire.diagnose.evidence.damaged_record import BAD_RECORD
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from . import alerts
from .offer import of_the_offer
from .refused_certificate import sharper

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Connection


_OF_THE_HANDSHAKE = alerts.ABOUT_CERTIFICATES | {
    "access_denied",
    "certificate_required",
    "decrypt_error",
    "handshake_failure",
    "missing_extension",
    "no_application_protocol",
    "unrecognized_name",
}
"""What a server may find out only when the client has finished its part and sent a request."""


def alert_in_handshake(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where a fatal alert is the first act of closing: it names itself.

    Also where the capture lacks a direction, or the beginning: the alert says the same.
    """
    close = connection.closes[0] if connection.closes else None
    if close is None or close.kind != "alert" or connection.tls is None:
        return None
    verdict = of_the_offer(_about_alert(connection, close), connection, close)
    return sharper(verdict, connection, close, traffic)


def late_alert(failed: FailedExchange) -> Verdict | None:
    """A verdict where an alert about the handshake came only when the request had left.

    In TLS 1.3 the client has finished its part, and may send its request, before the server has looked at
    the client's certificate (RFC 8446 section 4.4.2.4).
    """
    connection = failed.connection
    close = connection.closes[0] if connection.closes else None
    if close is None or close.kind != "alert" or failed.exchange.response is not None:
        return None
    if failed.exchange.reset is not None and failed.exchange.reset.time_ns < close.time_ns:
        return None  # that stream had failed before
    name = _name(close)
    answered = any(e.response is not None and e.id != failed.exchange.id for e in connection.exchanges)
    if name == BAD_RECORD or (name in _OF_THE_HANDSHAKE and not answered):
        return _about_alert(connection, close, failed)
    return None


def _name(close: CloseEvent) -> str:
    return close.detail if close.detail.replace("_", "").isalnum() else "other"


def _about_alert(connection: Connection, close: CloseEvent, failed: FailedExchange | None = None) -> Verdict:
    name = _name(close)
    who = "server" if close.side == Side.SERVER else "client"
    alert = alerts.TLS_ALERT.said(name, close.side)
    stage = _stage(connection) if failed is None else "when the request had been sent"
    means = "" if alert is None else alert.means
    says = _about_record(connection, failed) if name == BAD_RECORD else means
    own = failed.request.packet if failed is not None else None
    return Verdict(
        code=alerts.TLS_ALERT.code(name),
        connection=connection,
        exchanges=() if failed is None else (failed.exchange.id,),
        fault="unknown" if alert is None else alert.fault,
        grounds=(Ground.SEALED if _encrypted(connection, close) else Ground.SAID,),
        facts=f"The {who} sent the fatal alert {name} {stage}: {says}.{_clear_words(connection, close)}",
        evidence=(
            *((Evidence(own, "the request"),) if own is not None else _hello(connection)),
            Evidence(close.packet, f"{wording.act(close)} from the {who}"),
        ),
        runner_up="handshake-reset: refuted, the alert came before any FIN or RST",
        retry_safe=True if failed is None else failed.idempotent,
        time_ns=connection.opened_ns if failed is None else failed.request.time_ns,
        sender=close.side,
    )


def _about_record(connection: Connection, failed: FailedExchange | None) -> str:
    says = "a record did not authenticate"
    if failed is None or connection.undecrypted:
        return says
    return f"{says} there. Here all of them do, so that it was damaged behind the place of capture"


def _stage(connection: Connection) -> str:
    tls = opening.handshake_session(connection)
    if tls is None or tls.cipher_suite is None:
        if opening.of_handshake(connection) is None or not server_was_seen(connection):
            return "in the handshake, of which the capture has a part"
        return (
            "in answer to the ClientHello"
            if tls is not None and tls.starts[Side.SERVER] >= 0
            else "before the server said a word"
        )
    if tls.handshake_complete:
        return "after the handshake, before any request"
    return "in the handshake, after the ServerHello"


def _encrypted(connection: Connection, close: CloseEvent) -> bool:
    """Whether the alert could only be read with the keys: then only a holder of them can have sent it."""
    tls = opening.handshake_session(connection)
    if tls is None or tls.version is None:
        return False
    return tls.handshake_complete or (
        tls.version == "TLS 1.3"
        and close.seq > 0
        and tls.cipher_suite is not None
        and not connection.undecrypted
        and bool(tls.certificate or tls.resumed)
    )


def _clear_words(connection: Connection, close: CloseEvent) -> str:
    if _encrypted(connection, close):
        return ""
    return " It is not encrypted: anybody on the way could have sent it."


def _hello(connection: Connection) -> tuple[Evidence, ...]:
    begin = opening.of_handshake(connection)
    return (
        (Evidence(begin.client_data[0].packet, "the ClientHello"),)
        if begin is not None and begin.client_data
        else ()
    )
