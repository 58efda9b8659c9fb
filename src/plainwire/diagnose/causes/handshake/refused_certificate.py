"""What a client's complaint about the server's certificate rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.model import Side

from . import alerts
from .cert_differs_by_backend import cert_differs_by_backend
from .chain_incomplete import chain_incomplete
from .clock_skew_cert import clock_skew_cert

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import CloseEvent, Connection


def sharper(verdict: Verdict, connection: Connection, close: CloseEvent, traffic: Traffic) -> Verdict:
    """What lies behind a client's alert about the server's certificate, where the capture shows it."""
    tls = connection.tls
    if close.side != Side.CLIENT or tls is None or close.detail not in alerts.ABOUT_CERTIFICATES:
        return verdict
    verdict = clock_skew_cert(_with_chain(verdict, connection, close), connection, traffic)
    return (
        chain_incomplete(verdict, connection, close, traffic)
        or cert_differs_by_backend(verdict, connection, traffic)
        or verdict
    )


def _with_chain(verdict: Verdict, connection: Connection, close: CloseEvent) -> Verdict:
    """How much of a chain the server sent, which decides whom an unknown issuer is to be asked about."""
    tls = connection.tls
    if tls is None or close.detail != "unknown_ca" or not tls.chain:
        return verdict
    own = tls.leaf is not None and not tls.leaf.defect and tls.leaf.subject == tls.leaf.issuer
    what = "one certificate" if tls.chain == 1 else f"{tls.chain} certificates"
    which = ", which signed itself" if own else " and no intermediate one" if tls.chain == 1 else ""
    return replace(verdict, facts=f"{verdict.facts} The server sent {what}{which}.")
