"""Family D, alerts: what each of TLS's fatal alerts means, and about whom it complains.

Names are those of IANA's registry (RFC 8446 section 6.2, RFC 5246 section 7.2.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose.causes.cause import Cause

if TYPE_CHECKING:
    from plainwire.model import Fault


class Alert(Struct, frozen=True):
    """One alert: what its sender says by it, and whose fault that makes it, by sender."""

    says: str
    by_server: Fault
    by_client: Fault
    client: str = ""
    server: str = ""


_TRUST = "Give the client the authority that issued the certificate; do not switch verification off."
_CHAIN = "Send the certificate with all intermediate ones, for the name that is asked for, and in time."
_OWN = "Look at the certificate that the client presents: its issuer, its dates, whether it is sent at all."
_SETTINGS = "Compare versions, cipher suites, groups and signature algorithms that both sides allow."

ALERTS: dict[str, Alert] = {
    "unexpected_message": Alert("a message came that does not belong there", "unknown", "unknown"),
    "record_overflow": Alert("a record was longer than allowed", "unknown", "unknown"),
    "decompression_failure": Alert("data could not be decompressed", "unknown", "unknown"),
    "decryption_failed": Alert("a record could not be decrypted", "unknown", "unknown"),
    "handshake_failure": Alert(
        "there is no set of parameters that both sides allow, or the sender will not have this client",
        "unknown",
        "unknown",
        _SETTINGS,
        _SETTINGS,
    ),
    "no_certificate": Alert("the sender has no certificate (SSL 3.0)", "unknown", "client"),
    "bad_certificate": Alert(
        "the other side's certificate is damaged, or is for another name", "client", "unknown", _OWN, _CHAIN
    ),
    "unsupported_certificate": Alert(
        "the certificate is of a kind that the sender does not know", "client", "unknown", _OWN, _CHAIN
    ),
    "certificate_revoked": Alert("the certificate was revoked", "client", "server", _OWN, _CHAIN),
    "certificate_expired": Alert(
        "the certificate has expired, or is not valid yet", "client", "unknown", _OWN, _CHAIN
    ),
    "certificate_unknown": Alert(
        "the certificate is not acceptable, for a reason that is not said", "client", "unknown", _OWN, _CHAIN
    ),
    "illegal_parameter": Alert(
        "a field of the handshake has a value that is not allowed", "unknown", "unknown"
    ),
    "unknown_ca": Alert(
        "the certificate's issuer is not among those that the sender trusts, or the chain to it is not "
        "complete",
        "client",
        "unknown",
        _TRUST,
        _CHAIN,
    ),
    "access_denied": Alert(
        "the certificate is good, but its holder may not come in", "client", "unknown", _OWN
    ),
    "decode_error": Alert("a message could not be read", "unknown", "unknown"),
    "decrypt_error": Alert(
        "a signature, a Finished message or the proof of a session to be resumed did not hold",
        "unknown",
        "unknown",
    ),
    "protocol_version": Alert(
        "the offered version of TLS is not allowed", "unknown", "unknown", _SETTINGS, _SETTINGS
    ),
    "insufficient_security": Alert(
        "the offered cipher suites are not strong enough", "unknown", "unknown", _SETTINGS, _SETTINGS
    ),
    "internal_error": Alert(
        "something went wrong inside the sender, which has nothing to do with the other side",
        "server",
        "client",
        "Repeat it; the server says itself that the fault is its own.",
        "Look into the server's log at this moment.",
    ),
    "inappropriate_fallback": Alert(
        "the client tried an older version than it needed to", "client", "unknown"
    ),
    "no_renegotiation": Alert("a renegotiation was refused", "unknown", "unknown"),
    "missing_extension": Alert("an extension is missing that must be there", "client", "server", _SETTINGS),
    "unsupported_extension": Alert("an extension came that nobody had offered", "unknown", "unknown"),
    "certificate_unobtainable": Alert("the certificate could not be fetched", "unknown", "unknown"),
    "unrecognized_name": Alert(
        "the server is not set up for the name that the client asked for (SNI)",
        "unknown",
        "unknown",
        "Check the name, and whether the address is that of the right server.",
        "Set the name up on all servers that stand behind the address.",
    ),
    "bad_certificate_status_response": Alert(
        "the stapled OCSP answer is not valid", "unknown", "server", "", "Renew the stapled OCSP answer."
    ),
    "bad_certificate_hash_value": Alert("a certificate's hash does not fit", "unknown", "unknown"),
    "unknown_psk_identity": Alert("the pre-shared key is not known to the server", "unknown", "unknown"),
    "certificate_required": Alert(
        "the server asks for a client certificate, and the client sent none",
        "client",
        "unknown",
        "Give the client its certificate and key.",
        "If no client certificate is to be needed here: do not require one.",
    ),
    "no_application_protocol": Alert(
        "client and server have no application protocol in common (ALPN)",
        "unknown",
        "unknown",
        "Offer http/1.1 beside h2, or what the server speaks.",
        "Accept http/1.1 too.",
    ),
    "ech_required": Alert(
        "the server's name was to be encrypted, with a key that the server does not have",
        "unknown",
        "unknown",
    ),
}
"""By registered name. Those of a normal end (close_notify, user_canceled) are not among them, nor
bad_record_mac, which has a code of its own."""

OTHER = Alert("something that this table does not name", "unknown", "unknown")

ABOUT_CERTIFICATES = frozenset(
    (
        "bad_certificate",
        "unsupported_certificate",
        "certificate_revoked",
        "certificate_expired",
        "certificate_unknown",
        "unknown_ca",
    )
)


def code(name: str) -> str:
    """The code of a finding about an alert, for any that TLS may come to have."""
    return f"tls-alert-{name}" if name in ALERTS else "tls-alert-other"


def _cause(name: str, alert: Alert) -> Cause:
    return Cause(
        f"tls-alert-{name}",
        f"TLS was ended by the alert {name.replace('_', ' ')}",
        f"One side ended the connection with a fatal alert: {alert.says}. The alert names its sender's "
        "reason; whether that reason is a good one is another question. Ahead of the server's hello an "
        "alert is not encrypted, so that something on the way could have sent it.",
        "The alert is the first act of closing, and no response came before it.",
        "A close or a reset ahead of the alert (handshake-reset); an alert after complete exchanges.",
        alert.client or "Take the alert at its word, and look at the side that it complains about.",
        alert.server,
        ("RFC 8446 section 6.2", "RFC 5246 section 7.2.2"),
    )


CAUSES: tuple[Cause, ...] = (*(_cause(name, alert) for name, alert in ALERTS.items()), _cause("other", OTHER))
