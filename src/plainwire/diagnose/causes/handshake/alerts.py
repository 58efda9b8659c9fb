"""Words of tls-alert-...: what each of TLS's fatal alerts means from either side.

Names are those of IANA's registry (RFC 8446 section 6.2, RFC 5246 section 7.2.2). Those of a normal end
(close_notify, user_canceled) are not among them, nor is bad_record_mac, which has a code of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.causes.cause import Meaning
from plainwire.diagnose.causes.family import Family, Member

if TYPE_CHECKING:
    from plainwire.model import Fault

_NOTHING_ON_SERVER = "Nothing to fix on the server."
_DEBUG = "Turn on the TLS library's debug log: it knows which message or field it was."


def _about_peer(name: str, thing: str, client: str = "", server: str = "") -> Member:
    """An alert that either side sends about the other's messages. ``thing``: what is wrong, of whom as {}."""
    return Member(
        name,
        Meaning(
            thing.format("the client"),
            "unknown",
            client
            or "Update the TLS library, and try another one: the server cannot read this one's messages.",
            server or _DEBUG,
        ),
        Meaning(
            thing.format("the server"),
            "unknown",
            client or _DEBUG,
            server or "Update the TLS library or the load balancer that ends TLS.",
        ),
    )


def _about_certificate(
    name: str, thing: str, *, client: str, server: str, by_client: Fault = "unknown"
) -> Member:
    """An alert about a certificate: the client's where the server sends it, else the server's.

    ``client`` and ``server`` say what each of them is to do as the holder.
    """
    return Member(
        name,
        Meaning(
            f"the client's certificate {thing}",
            "client",
            client,
            "Check which authorities and which kinds of client certificates are accepted here.",
            client_needs=("client certificate",),
            lasting=True,
        ),
        Meaning(
            f"the server's certificate {thing}",
            by_client,
            "Check what the client trusts, and its clock. Do not switch verification off.",
            server,
            lasting=True,
        ),
    )


def _about_settings(name: str, thing: str) -> Member:
    advice = "Compare the versions, cipher suites, groups and signature algorithms that both sides allow."
    return Member(name, Meaning(thing, "unknown", advice, advice), Meaning(thing, "unknown", advice, advice))


TLS_ALERT = Family(
    stem="tls-alert",
    title="TLS was ended by the alert {name}",
    meaning="One side ended the connection with a fatal alert. Its name is the sender's reason; whether "
    "that reason is a good one is another question. Before the server's hello an alert is not encrypted, so "
    "that something on the way could have sent it.",
    established="The alert is the first act of closing, and no response came before it.",
    refuted="A close or a reset ahead of the alert (handshake-reset); an alert after complete exchanges.",
    references=("RFC 8446 section 6.2", "RFC 5246 section 7.2.2"),
    elsewhere={"bad_record_mac": "bad-record-mac"},
    members=(
        _about_peer("unexpected_message", "{} sent a message that does not belong there"),
        _about_peer("record_overflow", "{} sent a record that is longer than allowed"),
        _about_peer("decompression_failure", "data from {} could not be decompressed"),
        _about_peer(
            "decryption_failed", "a record from {} could not be decrypted (an alert of old versions)"
        ),
        Member(
            "handshake_failure",
            Meaning(
                "there is no set of parameters that both sides allow, or it does not accept this client",
                "unknown",
                "Compare versions, cipher suites, groups and signature algorithms with what the server "
                "allows; check whether it asks for a client certificate.",
                "Compare versions, cipher suites, groups and signature algorithms with what the client "
                "offers.",
            ),
            Meaning(
                "there is no set of parameters that both sides allow",
                "unknown",
                "Compare versions, cipher suites, groups and signature algorithms with what the server "
                "chose.",
                "Check what the server chose: a Diffie-Hellman group that is too short, an old signature "
                "algorithm.",
            ),
        ),
        Member(
            "no_certificate",
            Meaning(
                "it has no certificate (SSL 3.0)",
                "unknown",
                "Use TLS 1.2 or later.",
                "Give the server a certificate, and TLS 1.2 or later.",
            ),
            Meaning(
                "it has no client certificate (SSL 3.0)",
                "client",
                "Give the client its certificate and key, and TLS 1.2 or later.",
                "If no client certificate is needed here, do not ask for one.",
            ),
        ),
        _about_certificate(
            "bad_certificate",
            "is not acceptable (OpenSSL means one that is damaged or for another name, Go any fault of it)",
            client="Check the client's certificate and key: they must belong together, and be whole.",
            server="Check the certificate's names against the name that clients ask for; a wildcard stands "
            "for one label only.",
        ),
        _about_certificate(
            "unsupported_certificate",
            "is of a kind that it does not know",
            client="Use a client certificate with a key and usage that the server knows (clientAuth, RSA or "
            "ECDSA).",
            server="Use a certificate with a key and usage that clients know (serverAuth, RSA or ECDSA).",
        ),
        _about_certificate(
            "certificate_revoked",
            "was revoked",
            client="Get a new client certificate.",
            server="Replace the certificate on all servers behind the address.",
            by_client="server",
        ),
        _about_certificate(
            "certificate_expired",
            "has expired, or is not valid yet",
            client="Renew the client's certificate; check the clocks of both sides.",
            server="Renew the certificate on all servers behind the address; check the server's clock.",
        ),
        _about_certificate(
            "certificate_unknown",
            "is not acceptable, for a reason that the alert does not say",
            client="Look at the client's certificate: its issuer, its dates, its usage.",
            server="Check the certificate's names, dates and chain with openssl s_client "
            "-verify_return_error.",
        ),
        _about_peer(
            "illegal_parameter", "a field of the handshake that {} sent has a value that is not allowed"
        ),
        Member(
            "unknown_ca",
            Meaning(
                "the issuer of the client's certificate is not among those that it trusts, or the chain to "
                "it is not complete",
                "client",
                "Send the client certificate with its intermediate ones, from an authority that the server "
                "trusts.",
                "Give the server the authority that issues client certificates.",
                client_needs=("client certificate",),
                lasting=True,
            ),
            Meaning(
                "the issuer of the server's certificate is not among those that it trusts, or the chain to "
                "it is not complete",
                "unknown",
                "Give the client the authority that issued the certificate; do not switch verification off.",
                "Send the certificate with all intermediate ones.",
                client_needs=("CA bundle",),
                lasting=True,
            ),
        ),
        Member(
            "access_denied",
            Meaning(
                "the client's certificate is good, but its holder may not come in",
                "client",
                "Use a client certificate that is allowed here.",
                "Check the rules about who may come in.",
                lasting=True,
            ),
            Meaning(
                "the server's certificate is good, but the client does not accept its holder",
                "unknown",
                "Check the rules about which servers the client accepts.",
                "Check that the address is that of the right server.",
            ),
        ),
        _about_peer("decode_error", "a message from {} could not be read"),
        _about_peer(
            "decrypt_error",
            "a signature, a Finished message or the proof of a resumed session from {} did not hold",
            "Try without resumption; check that the client's certificate and key belong together.",
            "Check that all servers behind the address have the same ticket keys, and a key that belongs to "
            "their certificate.",
        ),
        Member(
            "protocol_version",
            Meaning(
                "none of the versions of TLS that the client offers is allowed",
                "unknown",
                "Allow the versions of TLS that the server speaks, 1.2 or later.",
                "Allow TLS 1.2 and 1.3.",
                lasting=True,
            ),
            Meaning(
                "the version of TLS that the server chose is not allowed",
                "unknown",
                "See which versions the client allows. Do not turn old ones on for good.",
                "Speak TLS 1.2 or later.",
            ),
        ),
        _about_settings(
            "insufficient_security",
            "what the other side offers or chose is not strong enough",
        ),
        Member(
            "internal_error",
            Meaning(
                "something went wrong inside it, which has nothing to do with the other side",
                "server",
                "Retry: the server says itself that the fault is its own.",
                "Look into the server's log at this moment.",
            ),
            Meaning(
                "something went wrong inside it, which has nothing to do with the other side",
                "client",
                "Look for an exception in the client's TLS library, or in a callback of the program.",
                _NOTHING_ON_SERVER,
            ),
        ),
        Member(
            "inappropriate_fallback",
            Meaning(
                "the client tried an older version than both sides speak",
                "client",
                "Do not fall back to older versions of TLS after a failure.",
                "Look for what made the first attempt fail.",
            ),
            Meaning(
                "the other side fell back to an older version of TLS",
                "unknown",
                "Do not fall back to older versions of TLS after a failure.",
                _NOTHING_ON_SERVER,
            ),
        ),
        Member(
            "no_renegotiation",
            Meaning(
                "it refuses to renegotiate",
                "unknown",
                "Do not renegotiate: use TLS 1.3, or a new connection.",
                "If clients need renegotiation (a client certificate for some paths only), allow it there.",
            ),
            Meaning(
                "it refuses to renegotiate",
                "unknown",
                "Use a client that supports secure renegotiation, or TLS 1.3 with post-handshake "
                "authentication.",
                "Ask for client certificates in the first handshake, not for some paths only.",
            ),
        ),
        Member(
            "missing_extension",
            Meaning(
                "the ClientHello lacks an extension that must be there",
                "client",
                "Send the extension: mostly the server's name (SNI), or supported groups.",
                "Log which extension was missing.",
            ),
            Meaning(
                "the server's hello lacks an extension that must be there",
                "server",
                _DEBUG,
                "Update the TLS library or the load balancer that ends TLS.",
            ),
        ),
        _about_peer("unsupported_extension", "{} sent an extension that nobody had offered"),
        _about_peer("certificate_unobtainable", "the certificate that {} pointed to could not be fetched"),
        Member(
            "unrecognized_name",
            Meaning(
                "it is not set up for the name that the client asked for (SNI)",
                "unknown",
                "Check the name, and whether the address is that of the right server.",
                "Set the name up on all servers that stand behind the address.",
            ),
            Meaning(
                "the name in the server's hello is not the one that it asked for",
                "unknown",
                "Check the name, and whether the address is that of the right server.",
                "Set the name up on all servers that stand behind the address.",
            ),
        ),
        Member(
            "bad_certificate_status_response",
            Meaning(
                "the OCSP response that came with the client's certificate is not valid",
                "unknown",
                "Send the client certificate without a stapled OCSP response, or with a fresh one.",
                "Log what is wrong with the stapled OCSP response.",
            ),
            Meaning(
                "the OCSP response that came with the server's certificate is not valid",
                "server",
                "Retry: other servers behind the address may have a good one.",
                "Renew the stapled OCSP response, and check what fetches it.",
            ),
        ),
        _about_peer(
            "bad_certificate_hash_value", "the hash of a certificate that {} pointed to does not fit"
        ),
        Member(
            "unknown_psk_identity",
            Meaning(
                "it does not know the pre-shared key's name",
                "unknown",
                "Check the name (identity) of the pre-shared key.",
                "Give all servers behind the address the same pre-shared keys.",
            ),
            Meaning(
                "it does not know the pre-shared key that the server chose",
                "unknown",
                "Check the pre-shared keys that the client offers.",
                "Choose one of the keys that the client offered.",
            ),
        ),
        Member(
            "certificate_required",
            Meaning(
                "it asked for a client certificate, and the client sent none",
                "client",
                "Give the client its certificate and key.",
                "If no client certificate is needed here, do not require one.",
                client_needs=("client certificate",),
                lasting=True,
            ),
            Meaning(
                "a certificate is missing. From a client that makes no sense",
                "unknown",
                "Update the TLS library.",
                "Send a certificate.",
            ),
        ),
        Member(
            "no_application_protocol",
            Meaning(
                "it speaks none of the application protocols that the client offers (ALPN)",
                "unknown",
                "Offer http/1.1 beside h2, or what the server speaks.",
                "Accept http/1.1 too.",
                lasting=True,
            ),
            Meaning(
                "the server chose an application protocol that the client did not offer (ALPN)",
                "unknown",
                "Offer http/1.1 beside h2, or what the server speaks.",
                "Choose only among the protocols that the client offers.",
            ),
        ),
        Member(
            "ech_required",
            Meaning(
                "the server's name was to be encrypted, with a key that it does not have",
                "unknown",
                "Fetch the ECH keys again (the HTTPS record in DNS).",
                "Publish only ECH keys that all servers behind the address have.",
            ),
            Meaning(
                "the server did not accept the encrypted name (ECH)",
                "unknown",
                "Retry with the ECH keys that the server sent, or fetch them again from DNS.",
                "Publish only ECH keys that all servers behind the address have.",
            ),
        ),
    ),
    other=Member(
        "with an unregistered name",
        Meaning(
            "something that no registered alert says",
            "unknown",
            _DEBUG,
            "Look up in the TLS library's source what this number stands for.",
        ),
        Meaning(
            "something that no registered alert says",
            "unknown",
            "Look up in the TLS library's source what this number stands for.",
            _DEBUG,
        ),
    ),
)

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
