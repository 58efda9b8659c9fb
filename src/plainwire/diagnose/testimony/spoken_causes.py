"""From what a program says to what may be the matter: words, names of errors and exit statuses to codes.

For somebody who has an exception and no capture. Words tell what the wire may have done (the tables beside
this file), and that leaves several causes; the packets tell which.
"""

from __future__ import annotations

import errno

from . import call_words, further_words, java_words, native_words, other_words, python_words, script_words
from .wording import Wire, Wording

CODES: dict[Wire, tuple[str, ...]] = {
    Wire.NAME: ("dns-failure", "dns-stale-or-split"),
    Wire.REFUSED: ("connection-refused",),
    Wire.UNREACHABLE: ("no-route", "ipv6-broken-fallback"),
    Wire.NO_CONNECT: ("syn-timeout", "accept-queue-overflow", "syn-paws-drop", "ipv6-broken-fallback"),
    Wire.HELLO_RESET: ("handshake-reset", "middlebox-injected-reset"),
    Wire.HELLO_CLOSE: ("handshake-reset", "client-certificate-rejected"),
    Wire.HELLO_SILENCE: ("handshake-stall", "large-clienthello-drop", "mtu-blackhole"),
    Wire.ALERT: ("tls-alert", "tls-version-or-cipher-by-backend", "sni-host-mismatch"),
    Wire.CERTIFICATE: (
        "cert-refused-without-alert",
        "chain-incomplete",
        "clock-skew-cert",
        "tls-interception",
    ),
    Wire.NOT_TLS: ("plaintext-on-tls-port", "proxy-connect-failure"),
    Wire.PROXY: ("proxy-connect-failure",),
    Wire.CORRUPT: ("bad-record-mac", "connection-shared"),
    Wire.CUT_SENDING: ("stale-connection-reuse", "early-response-reset", "request-body-timeout"),
    Wire.RESET: ("reset-mid-request", "keepalive-idle-race", "nat-idle-reset", "idle-close-by-reset"),
    Wire.CLOSE: (
        "keepalive-idle-race",
        "stale-connection-reuse",
        "close-mid-request",
        "server-max-requests-close",
    ),
    Wire.RESET_INSIDE: ("reset-mid-response", "server-crash-mid-stream", "stream-idle-timeout"),
    Wire.CLOSE_INSIDE: ("response-truncated", "server-crash-mid-stream", "stream-idle-timeout"),
    Wire.SILENCE: ("client-timeout-too-short", "slow-first-byte", "nat-idle-drop", "half-open-connection"),
    Wire.STALL: ("slow-body-stall", "zero-window-stall", "mtu-blackhole"),
    Wire.NONSENSE: ("not-http", "bad-framing", "response-desync", "h2-malformed-response"),
    Wire.STREAM_REFUSED: ("h2-stream-refused",),
    Wire.STREAM_RESET: ("h2-stream-reset",),
    Wire.GOAWAY: ("goaway-race", "goaway-accepted-not-answered", "goaway-error"),
    Wire.CALL_STATUS: ("grpc-status",),
    Wire.WEBSOCKET_CUT: ("websocket-abnormal-close", "websocket-ping-timeout"),
    Wire.WEBSOCKET_CLOSED: ("websocket-close", "websocket-ping-timeout"),
    Wire.EVENT_ERROR: ("event-stream-error",),
    Wire.CONTENT: ("content-encoding-corrupt",),
    Wire.STATUS: ("overload-5xx", "rate-limited", "gateway-timeout", "client-bug-request"),
    Wire.LOCAL: ("local-resource", "pool-wait", "port-exhaustion"),
    Wire.WHOLE: (),
}
"""Codes, or stems of families of codes, the most frequent first."""

_TABLES = (
    *python_words.PYTHON,
    *other_words.NODE,
    *java_words.JAVA,
    *other_words.GO,
    *other_words.CURL,
    *script_words.LIBCURL,
    *native_words.RUST,
    *native_words.DOTNET,
    *script_words.SCRIPTS,
    *further_words.BUN,
    *further_words.BROWSERS,
    *further_words.GATEWAYS,
    *native_words.TLS,
    *other_words.SHORTAGES,
    *other_words.OTHERS,
    *call_words.CALLS,
    *call_words.KERNEL,
)
_SYSTEM_CALLS = {
    errno.ECONNRESET: (Wire.RESET, Wire.RESET_INSIDE, Wire.HELLO_RESET, Wire.CUT_SENDING),
    errno.EPIPE: (Wire.CUT_SENDING,),
    errno.ECONNABORTED: (Wire.RESET, Wire.CUT_SENDING),
    errno.ECONNREFUSED: (Wire.REFUSED,),
    errno.ETIMEDOUT: (Wire.NO_CONNECT, Wire.SILENCE, Wire.STALL),
    errno.EHOSTUNREACH: (Wire.UNREACHABLE,),
    errno.ENETUNREACH: (Wire.UNREACHABLE,),
    errno.EADDRNOTAVAIL: (Wire.LOCAL,),
    errno.EMFILE: (Wire.LOCAL,),
    errno.ENOBUFS: (Wire.LOCAL,),
}
_LEAST_OF_A_LABEL = 4
"""Characters; our own choice: fewer stand in too many labels."""
_CURL_STATUSES = 100
"""Exit statuses below this are curl's (https://curl.se/libcurl/c/libcurl-errors.html); above stand errnos."""
_MOST_READ = 2000
"""Characters; our own choice: no line that is typed or pasted is longer."""


def wordings_of(text: str) -> list[Wording]:
    """The rows of the tables that know these words, and those that are called so.

    ``text`` is a line that a program wrote, the name of an exception, or a number: an exit status of curl, or
    above those an errno.
    """
    text = text.strip()[:_MOST_READ]
    if text.isascii() and text.isdigit() and int(text) < _CURL_STATUSES:
        text = f"curl: ({int(text)})"
    found = [row for row in _TABLES if row.pattern.search(text)]
    if not found and len(text) >= _LEAST_OF_A_LABEL:
        found = [row for row in _TABLES if text.lower() in row.label.lower()]
    return found


def system_call(text: str) -> tuple[str, tuple[Wire, ...]] | None:
    """The name of an errno and what the wire may have done, for its name (``ECONNRESET``) or its number."""
    text = text.strip().upper()
    for number, wire in _SYSTEM_CALLS.items():
        if text in (errno.errorcode[number], str(number)):
            return errno.errorcode[number], wire
    return None
