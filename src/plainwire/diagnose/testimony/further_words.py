"""What browsers, Bun and the gateways nginx and Envoy say of connections, and git of libcurl's.

Bun 1.4 was run; the others' words are from their documentation and public reports.
"""

from __future__ import annotations

from .wording import CONNECTING, CUT, ENDS, RESETS, TIMEOUTS, Wire, row

BROWSERS = (
    row("Chromium", "ERR_EMPTY_RESPONSE", r"\bERR_EMPTY_RESPONSE\b", Wire.CLOSE),
    row("Chromium", "ERR_CONNECTION_RESET", r"\bERR_CONNECTION_RESET\b", *RESETS),
    row("Chromium", "ERR_CONNECTION_CLOSED", r"\bERR_CONNECTION_CLOSED\b", *ENDS),
    row("Chromium", "ERR_CONNECTION_REFUSED", r"\bERR_CONNECTION_REFUSED\b", Wire.REFUSED),
    row("Chromium", "ERR_CONNECTION_TIMED_OUT", r"\bERR_CONNECTION_TIMED_OUT\b", Wire.NO_CONNECT),
    row("Chromium", "ERR_TIMED_OUT", r"\bERR_TIMED_OUT\b", *TIMEOUTS),
    row("Chromium", "ERR_NAME_NOT_RESOLVED", r"\bERR_NAME_NOT_RESOLVED\b", Wire.NAME),
    row(
        "Chromium",
        "a body that ended early",
        r"\bERR_(?:INCOMPLETE_CHUNKED_ENCODING|CONTENT_LENGTH_MISMATCH)\b",
        Wire.CLOSE_INSIDE,
    ),
    row(
        "Chromium",
        "ERR_HTTP2_PROTOCOL_ERROR",
        r"\bERR_HTTP2_PROTOCOL_ERROR\b",
        Wire.STREAM_RESET,
        Wire.GOAWAY,
        Wire.NONSENSE,
    ),
    row(
        "Chromium",
        "ERR_SSL_PROTOCOL_ERROR",
        r"\bERR_SSL_PROTOCOL_ERROR\b",
        Wire.NOT_TLS,
        Wire.ALERT,
        Wire.HELLO_CLOSE,
    ),
    row("Chromium", "a certificate error", r"\bERR_CERT_[A-Z_]+\b", Wire.CERTIFICATE),
    row(
        "Firefox",
        "PR_END_OF_FILE_ERROR",
        r"\bPR_END_OF_FILE_ERROR\b",
        Wire.HELLO_CLOSE,
    ),
    row("Firefox", "PR_CONNECT_RESET_ERROR", r"\bPR_CONNECT_RESET_ERROR\b", *RESETS),
    row("Firefox", "SSL_ERROR_RX_RECORD_TOO_LONG", r"\bSSL_ERROR_RX_RECORD_TOO_LONG\b", Wire.NOT_TLS),
)

BUN = (
    row(
        "bun",
        "The socket connection was closed unexpectedly",
        r"socket connection was closed unexpectedly",
        *ENDS,
        *RESETS,
        note="Bun says the same of a close and of a reset, and calls both ECONNRESET.",
    ),
    row("bun", "Malformed_HTTP_Response", r"\bMalformed_HTTP_Response\b", Wire.NONSENSE),
    row(
        "bun",
        "Unable to connect",
        r"Unable to connect\. Is the computer able to access the url",
        *CONNECTING,
    ),
    row("bun", "The operation timed out", r"\bThe operation timed out\b", *TIMEOUTS),
)

SOCKS = (
    row(
        "a SOCKS client",
        "a SOCKS proxy that refused",
        r"\bsocks connect tcp \S+: (?:unknown error|username/password auth)|\bSOCKS5AuthError\b|"
        r"\b0x0[1-8]: |proxy rejected connection|SocksClientError: Socks5 Authentication failed|"
        r"SocketException: SOCKS\b|ProxyError: (?:Proxy Server could not connect|Invalid username/password)",
        Wire.PROXY,
        Wire.REFUSED,
        Wire.UNREACHABLE,
    ),
    row(
        "a SOCKS client",
        "a SOCKS proxy that closed",
        r"SocksClientError: Socket closed|GeneralProxyError: Connection closed unexpectedly",
        Wire.PROXY,
        Wire.CLOSE,
        Wire.RESET,
    ),
    row(
        "a SOCKS client",
        "a SOCKS proxy that did not answer",
        r"SocksClientError: Proxy connection timed out|GeneralProxyError: Socket error: timed out",
        Wire.PROXY,
        Wire.NO_CONNECT,
        Wire.SILENCE,
    ),
    row(
        "a SOCKS client",
        "a SOCKS proxy that did not connect",
        r"\bsocks connect tcp \S+: |\bGeneralProxyError\b|\bSocksClientError\b|\bcurl: \(97\)",
        Wire.PROXY,
        Wire.REFUSED,
        Wire.UNREACHABLE,
        Wire.NO_CONNECT,
        Wire.SILENCE,
        Wire.CLOSE,
        Wire.RESET,
    ),
)
"""PySocks, Go's x/net/proxy, Node's socks, socksio, the JDK, curl: with the proxy's reply behind it."""

_REFUSED = "a proxy that refused"
_STATUSES = "Forbidden|Bad Gateway|Service Unavailable|Gateway Timeout|Proxy Authentication Required"

TUNNELS = (
    row("httpx", _REFUSED, r"\bProxyError(?:: |\(['\"])\d{3} ", Wire.PROXY),
    row("aiohttp", _REFUSED, r"\bClientHttpProxyError\b", Wire.PROXY),
    row("node", _REFUSED, r"\bProxy response \(\d{3}\) !== 200", Wire.PROXY),
    row("java", _REFUSED, r"Tunnel failed, got: \d{3}|Unable to tunnel through proxy", Wire.PROXY),
    row("libcurl", _REFUSED, r"CONNECT tunnel failed, response \d{3}", Wire.PROXY),
    row("perl", _REFUSED, r"establishing SSL tunnel failed: \d{3}", Wire.PROXY),
    row("go", _REFUSED, rf" \"https://\S+\": (?:{_STATUSES})$", Wire.PROXY),
)
"""What clients say of a CONNECT that was refused. Run behind Squid: httpx 0.28, aiohttp 3.14, undici 7, the
JDK 17, libcurl 7.88, Perl's LWP and Go."""

GATEWAYS = (
    row(
        "nginx",
        "upstream prematurely closed connection",
        r"upstream prematurely closed connection",
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
    ),
    row("nginx", "upstream timed out", r"\bupstream timed out\b", *TIMEOUTS),
    row("nginx", "a reset by the upstream", r"\b(?:recv|readv|writev|send)\(\) failed \(104: ", *RESETS),
    row("nginx", "a refused connect", r"\bconnect\(\) failed \(111: ", Wire.REFUSED),
    row(
        "Envoy",
        "connection termination",
        r"upstream connect error or disconnect/reset before headers.*connection termination",
        Wire.CLOSE,
        Wire.RESET,
        Wire.STATUS,
    ),
    row(
        "Envoy",
        "upstream connect error",
        r"upstream connect error or disconnect/reset before headers",
        *CONNECTING,
        *CUT,
        Wire.STATUS,
        note="Envoy answers so with a 503; what failed is its own connection to the upstream.",
    ),
    row("git", "the remote end hung up", r"remote end hung up unexpectedly|^fatal: early EOF", *CUT),
)
