"""What an alert in the handshake rests on: a server name that was not told or is none, or an old version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.certificate_names import is_address
from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import CloseEvent, Connection, TlsInfo

_INTERNAL = "internal_error"
_ABOUT_NAMES = ("unrecognized_name", "illegal_parameter", "decode_error")
_OLD = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1"}
_ABOUT_VERSIONS = ("protocol_version", "internal_error", "handshake_failure", "insufficient_security")
"""What servers answer to old versions only: OpenSSL 3 has no signature for them at its security level, and
says internal_error."""


_REFUSED = (
    "which the other side refuses as a rule (RFC 8996); OpenSSL 3 says internal_error or handshake_failure "
    "then."
)
_UNKNOWN = "it is not set up for the name that the client asked for (SNI)"


def of_the_offer(verdict: Verdict, connection: Connection, close: CloseEvent) -> Verdict:
    """The verdict with what explains the alert in what was offered or chosen, if anything does."""
    tls = opening.handshake_session(connection)
    if tls is None:
        return verdict
    if close.side is Side.CLIENT:
        return _of_the_choice(verdict, tls, close)
    if tls.cipher_suite is not None:
        return verdict
    return _of_the_name(_of_the_versions(verdict, tls, close), tls, close)


def _of_the_name(verdict: Verdict, tls: TlsInfo, close: CloseEvent) -> Verdict:
    """No server name, or one that is none."""
    if close.detail == "unrecognized_name" and not tls.server_name and tls.newest_offered:
        return replace(
            verdict,
            fault="client",
            facts=verdict.facts.replace(_UNKNOWN, "it wants a server name (SNI); it was told none"),
            advice_client="Connect by the server's name, not by its address; the TLS library sends it then.",
            advice_server="Set up a default certificate, if clients without a server name are to be served.",
        )
    if close.detail == _INTERNAL and verdict.fault == "server" and tls.newest_offered:
        return _without_certificate(verdict, tls)
    if close.detail in _ABOUT_NAMES and is_address(tls.server_name or ""):
        return replace(
            verdict,
            fault="client",
            facts=f"{verdict.facts} As the server's name (SNI) the client told an address, which RFC 6066 "
            "section 3 forbids.",
            advice_client="Connect by the server's name; update the TLS library, which should send no server "
            "name for an address.",
        )
    return verdict


def _without_certificate(verdict: Verdict, tls: TlsInfo) -> Verdict:
    """An error before anything was chosen: so say servers in Go that they have no certificate."""
    if tls.server_name:
        return replace(
            verdict,
            facts=f"{verdict.facts} Caddy and other servers in Go say so, too, where they have no "
            "certificate for the name that the client asked for (SNI).",
            advice_server="Look into the server's log at this moment, and whether it has a certificate for "
            "this name (Caddy: a site of that name, fallback_sni, on-demand TLS; Go: GetCertificate, "
            "autocert's HostPolicy).",
        )
    return replace(
        verdict,
        fault="unknown",
        facts=f"{_without_blame(verdict)} The client told no server name (SNI), as is so with an address: "
        "Caddy and other servers in Go, which choose their certificate by it, answer that with this alert.",
        advice_client="Connect by the server's name, not by its address; the TLS library sends it then.",
        advice_server="Look into the server's log at this moment; set up a default certificate, if clients "
        "without a server name are to be served (Caddy: default_sni).",
    )


def _of_the_versions(verdict: Verdict, tls: TlsInfo, close: CloseEvent) -> Verdict:
    """Old versions only."""
    old = _OLD.get(tls.newest_offered)
    if old is None or close.detail not in _ABOUT_VERSIONS:
        return verdict
    return replace(
        verdict,
        fault="client",
        facts=f"{_without_blame(verdict)} The client offers nothing newer than {old}, {_REFUSED}",
        advice_client="Offer TLS 1.2 and 1.3: update the TLS library, or remove the setting that keeps it at "
        "an old version.",
        advice_server="If such clients are to be served, allow their version and its signatures (OpenSSL: "
        "SECLEVEL=0).",
    )


def _of_the_choice(verdict: Verdict, tls: TlsInfo, close: CloseEvent) -> Verdict:
    """What a client says inside a handshake of an old version: OpenSSL 3 takes no SHA-1 signature."""
    if close.detail not in _ABOUT_VERSIONS or tls.version not in _OLD.values():
        return verdict
    return replace(
        verdict,
        fault="server",
        facts=f"{_without_blame(verdict)} The server chose {tls.version}, {_REFUSED}",
        advice_client="To reach such a server nevertheless, allow its version and its signatures for it "
        "alone (OpenSSL: SECLEVEL=0).",
        advice_server="Speak TLS 1.2 and 1.3.",
    )


def _without_blame(verdict: Verdict) -> str:
    return verdict.facts.replace(
        "something went wrong inside it, which has nothing to do with the other side", "it could not go on"
    )
