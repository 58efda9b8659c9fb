"""What a client's complaint about the server's certificate rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.certificate_defects import certificate_defect, of_its_kind
from plainwire.diagnose.evidence.certificate_names import is_for_another_name, quoted_names
from plainwire.diagnose.evidence.interceptors import interceptor
from plainwire.diagnose.verdict import quoted
from plainwire.model import Side

from . import alerts
from .cert_differs_by_backend import cert_differs_by_backend
from .chain_incomplete import chain_incomplete
from .clock_skew_cert import clock_skew_cert
from .weak_dh import weak_dh
from .words import CLIENT_OF_ANOTHER_NAME, SERVER_OF_ANOTHER_NAME

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import CloseEvent, Connection, TlsInfo


_SAYS_NOTHING = ("bad_certificate", "certificate_unknown")
_SAYS_LITTLE = (*_SAYS_NOTHING, "unsupported_certificate", "certificate_expired")
"""Alerts that stand for more than their name says; the last one also for an issuer's certificate."""


def sharper(verdict: Verdict, connection: Connection, close: CloseEvent, traffic: Traffic) -> Verdict:
    """What lies behind a client's alert about the server's certificate, where the capture shows it."""
    tls = opening.handshake_session(connection)
    weak = weak_dh(verdict, connection, close)
    if weak is not None:
        return weak
    if close.side != Side.CLIENT or tls is None or close.detail not in alerts.ABOUT_CERTIFICATES:
        return verdict
    verdict = _with_defect(_advised(_with_names(verdict, connection, tls), tls), connection, close)
    verdict = _with_issuer(_with_chain(verdict, connection, close), connection, tls)
    verdict = clock_skew_cert(verdict, connection, traffic)
    return (
        chain_incomplete(verdict, connection, close, traffic)
        or cert_differs_by_backend(verdict, connection, traffic)
        or verdict
    )


def _advised(verdict: Verdict, tls: TlsInfo) -> Verdict:
    """The alert is the client's: what there is to do about the server's certificate."""
    if is_for_another_name(tls):
        return replace(
            verdict,
            advice_client=CLIENT_OF_ANOTHER_NAME,
            advice_server=SERVER_OF_ANOTHER_NAME,
        )
    return replace(
        verdict,
        advice_client="Give the client the authority that issued the certificate, and find out which "
        "authorities it uses: REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR and "
        "NODE_EXTRA_CA_CERTS override or extend a program's own choice. Do not switch verification off.",
        advice_server="Send the server's certificate with all intermediate ones, for the name that is asked "
        "for, and in time.",
    )


def _with_names(verdict: Verdict, connection: Connection, tls: TlsInfo) -> Verdict:
    """Whether the certificate is for the name that the client asked for."""
    if not is_for_another_name(tls):
        return verdict
    begin = opening.of_handshake(connection)
    said = begin is not None and begin.client_data and begin.answers
    hello = begin.client_data[0].packet if begin is not None and said else connection.first_packet
    answer = begin.answers[0].packet if begin is not None and said else connection.first_packet
    return replace(
        verdict,
        fault="unknown",
        facts=f"{verdict.facts} The certificate does not cover the name that the client asked for (a "
        "wildcard stands for one label).",
        quotes=(*verdict.quotes, *quoted_names(tls, hello, answer)),
        runner_up="an issuer that the client does not trust: possible as well, the name alone suffices",
    )


def _with_defect(verdict: Verdict, connection: Connection, close: CloseEvent) -> Verdict:
    """What the certificate itself shows, where the alert may stand for anything (Go sends it for all)."""
    tls = opening.handshake_session(connection)
    if tls is None or close.detail not in _SAYS_LITTLE or is_for_another_name(tls):
        return verdict
    leaf = tls.leaf
    if leaf is None or leaf.defect:
        return verdict
    covered = tls.server_name and leaf.names
    named = " The certificate covers the name that the client asked for." if covered else ""
    fault, why = certificate_defect(connection, tls)
    blamed = fault if why or close.detail in _SAYS_NOTHING else verdict.fault
    if of_its_kind(leaf):
        verdict = replace(
            verdict,
            advice_client="Do not switch verification off: the certificate itself is to be replaced.",
            advice_server="Have a certificate issued for servers (serverAuth) that names the host in its "
            "subjectAltName, has a key of 2048 bits of RSA or more, and is signed with SHA-256.",
        )
    return replace(verdict, fault=blamed, facts=f"{verdict.facts}{named} {why}".rstrip())


def _with_chain(verdict: Verdict, connection: Connection, close: CloseEvent) -> Verdict:
    """How much of a chain the server sent, which decides whom an unknown issuer is to be asked about."""
    tls = opening.handshake_session(connection)
    if tls is None or close.detail != "unknown_ca" or not tls.chain:
        return verdict
    own = tls.leaf is not None and not tls.leaf.defect and tls.leaf.subject == tls.leaf.issuer
    what = plurals.count(tls.chain, "certificate")
    which = ", which signed itself" if own else " and no intermediate one" if tls.chain == 1 else ""
    return replace(verdict, facts=f"{verdict.facts} The server sent {what}{which}.")


def _with_issuer(verdict: Verdict, connection: Connection, tls: TlsInfo) -> Verdict:
    """Who issued the certificate, where that is somebody who opens TLS on its way."""
    leaf = tls.leaf
    product = "" if leaf is None or leaf.defect else interceptor(leaf.issuer)
    begin = opening.of_handshake(connection)
    if leaf is None or not product:
        return verdict
    packet = begin.answers[0].packet if begin is not None and begin.answers else connection.first_packet
    return replace(
        verdict,
        facts=f"{verdict.facts} By its issuer's name {product} made the certificate: it opens TLS on the "
        "way, and the client speaks with it and not with the server.",
        quotes=(*verdict.quotes, *quoted(packet, "the issuer in the certificate", leaf.issuer)),
        advice_client=f"Give the client the authority of {product}, if that is meant to be in between "
        "(REQUESTS_CA_BUNDLE, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, curl --cacert), or have this host left out "
        "of it. Do not switch verification off.",
        advice_server="Nothing to fix on the server: the certificate is not its own.",
    )
