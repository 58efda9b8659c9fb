"""What Python and its HTTP clients say. Observed over TLS 1.3 with CPython 3.11 (other versions as noted),
requests 2.34, httpx 0.28, aiohttp 3.14, urllib3 2.
"""

from __future__ import annotations

from .wording import CONNECTING, ENDS, LARGE_HEADER, RESETS, Blur, Wire, row

_WHY = (
    "CPython 3.10 to 3.12 can report a reset under TLS as an end of file (corrected by "
    "https://github.com/python/cpython/pull/115628)"
)


def _blurred(*wire: Wire) -> tuple[Blur, ...]:
    return (Blur("python", (3, 10), (3, 13), frozenset(wire), _WHY),)


_PYTHON_2 = (
    Blur(
        "python", (2,), (3,), frozenset({Wire.CLOSE}), "Python 2 words a close without an answer so as well"
    ),
)
_CONNECTING = (*CONNECTING, Wire.CUT_SENDING)
_READ_TIMEOUTS = (Wire.SILENCE, Wire.STALL, Wire.HELLO_SILENCE)

PYTHON = (
    row(
        "http.client",
        "RemoteDisconnected",
        r"\bRemoteDisconnected\b|Remote end closed connection without response",
        Wire.CLOSE,
        blurs=_blurred(Wire.RESET),
    ),
    row("http.client", "BadStatusLine", r"\bBadStatusLine\b", Wire.NONSENSE, blurs=_PYTHON_2),
    row(
        "http.client",
        "IncompleteRead",
        r"\bIncompleteRead\b",
        Wire.CLOSE_INSIDE,
        blurs=_blurred(Wire.RESET_INSIDE),
    ),
    row(
        "http.client",
        "CannotSendRequest",
        r"\b(?:CannotSendRequest|ResponseNotReady)\b",
        Wire.LOCAL,
        note="It is said where a connection is used again before its response was read.",
    ),
    row("python", "ConnectionResetError", r"\bConnectionResetError\b|\[Errno 104\]", *RESETS),
    row("python", "BrokenPipeError", r"\bBrokenPipeError\b|\[Errno 32\]", Wire.CUT_SENDING, Wire.RESET),
    row("python", "ConnectionAbortedError", r"\bConnectionAbortedError\b|\[Errno 103\]", *RESETS),
    row("python", "ConnectionRefusedError", r"\bConnectionRefusedError\b|\[Errno 111\]", Wire.REFUSED),
    row(
        "aioquic",
        "a certificate of another name",
        r"reason: hostname '[^']*' doesn't match",
        Wire.CERTIFICATE,
    ),
    row("aioquic", "a TLS alert", r"\bConnection close received \(code 0x1[0-9A-F]{2}\b", Wire.ALERT),
    row("python", "no route to host", r"\[Errno 1(?:13|01)\]", Wire.UNREACHABLE),
    row("python", "gaierror", r"\bgaierror\b|Name or service not known|\bNameResolutionError\b", Wire.NAME),
    row(
        "python",
        "SSLEOFError",
        r"\bSSLEOFError\b|EOF occurred in violation of protocol|UNEXPECTED_EOF_WHILE_READING",
        Wire.HELLO_CLOSE,
        Wire.CUT_SENDING,
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        blurs=_blurred(Wire.RESET, Wire.RESET_INSIDE, Wire.HELLO_RESET),
        note="It is the end of the connection without a close_notify, met while reading or while writing.",
    ),
    row("python", "SSLZeroReturnError", r"\bSSLZeroReturnError\b", Wire.CLOSE, Wire.CLOSE_INSIDE),
    row(
        "python",
        "SSLCertVerificationError",
        r"\bSSLCertVerificationError\b|CERTIFICATE_VERIFY_FAILED|ClientConnectorCertificateError",
        Wire.CERTIFICATE,
    ),
    row("python", "a TLS alert", r"\b(?:SSLV3|TLSV1|TLSV13)_(?:\w+_)?ALERT_\w+", Wire.ALERT),
    row("python", "WRONG_VERSION_NUMBER", r"\bWRONG_VERSION_NUMBER\b|record layer failure", Wire.NOT_TLS),
    row("python", "BAD_RECORD_MAC", r"DECRYPTION_FAILED_OR_BAD_RECORD_MAC", Wire.CORRUPT),
    row(
        "python",
        "the handshake timed out",
        r"handshake operation timed out",
        Wire.HELLO_SILENCE,
    ),
    row("python", "the read timed out", r"read operation timed out", Wire.SILENCE, Wire.STALL),
    row(
        "python",
        "TimeoutError",
        r"\bTimeoutError\b|^(?:socket\.)?timeout: ",
        *_READ_TIMEOUTS,
        Wire.NO_CONNECT,
        Wire.CALL_STATUS,
    ),
    row(
        "json",
        "JSONDecodeError",
        r"\bJSONDecodeError\b",
        Wire.WHOLE,
        Wire.STATUS,
        Wire.CLOSE_INSIDE,
        note="A body whose end only the close shows may be cut without any client noticing.",
    ),
    row(
        "requests",
        "ConnectionError('Connection aborted.')",
        r"\bConnectionError: \('Connection aborted\.'|\bProtocolError: \('Connection aborted\.'",
        Wire.CLOSE,
        *RESETS,
        Wire.NONSENSE,
    ),
    row(
        "requests",
        "Max retries exceeded",
        r"Max retries exceeded with url",
        *_CONNECTING,
        Wire.RESET,
        Wire.CLOSE,
        Wire.STATUS,
        note="requests says `Max retries exceeded` even where it does not repeat, as by default.",
    ),
    row(
        "requests",
        "ChunkedEncodingError",
        r"\bChunkedEncodingError\b|Response ended prematurely",
        Wire.CLOSE_INSIDE,
        blurs=_blurred(Wire.RESET_INSIDE),
        note="requests says ChunkedEncodingError of any body that ended early, with Content-Length too.",
    ),
    row(
        "urllib3",
        "InvalidChunkLength",
        r"\bInvalidChunkLength\b",
        Wire.CLOSE_INSIDE,
        Wire.NONSENSE,
        blurs=_blurred(Wire.RESET_INSIDE),
    ),
    row(
        "urllib3",
        "a proxy that refused",
        r"Cannot connect to proxy|Tunnel connection failed: \d{3}",
        Wire.PROXY,
        *_CONNECTING,
        Wire.CLOSE,
        Wire.RESET,
    ),
    row(
        "requests",
        "a body that cannot be decoded",
        r"\bContentDecodingError\b|\burllib3\.exceptions\.DecodeError\b|\bhttpx\.DecodingError\b",
        Wire.CONTENT,
    ),
    row(
        "requests", "ReadTimeout", r"\brequests\.exceptions\.ReadTimeout\b|Read timed out\.", *_READ_TIMEOUTS
    ),
    row("requests", "ConnectTimeout", r"\brequests\.exceptions\.ConnectTimeout\b", Wire.NO_CONNECT),
    row(
        "requests",
        "an error status",
        r"\bHTTPError(?:: |\(['\"])[45]\d\d |\bHTTP Error [45]\d\d: |"
        r"\b[45]\d\d (?:Client|Server) Error: ",
        Wire.STATUS,
    ),
    row(
        "python",
        LARGE_HEADER,
        r"[Gg]ot more than \d+ (?:bytes when reading|\(\d+\) bytes when reading|headers)|\bLineTooLong\b",
        Wire.NONSENSE,
    ),
    row("urllib3", "a repetition", r"Retrying \(Retry\(", *Wire),
    row(
        "httpx",
        "Server disconnected without sending a response",
        r"\bServer disconnected without sending a response",
        Wire.CLOSE,
        blurs=_blurred(Wire.RESET),
    ),
    row(
        "httpx",
        "peer closed connection without sending complete message body",
        r"peer closed connection without sending complete message body",
        Wire.CLOSE_INSIDE,
        blurs=_blurred(Wire.RESET_INSIDE),
    ),
    row(
        "httpx", "illegal status line", r"RemoteProtocolError(?:: |\(['\"])illegal status line", Wire.NONSENSE
    ),
    row(
        "httpx",
        "RemoteProtocolError",
        r"\bRemoteProtocolError\b",
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        Wire.NONSENSE,
        Wire.STREAM_RESET,
        Wire.STREAM_REFUSED,
        Wire.GOAWAY,
        blurs=_blurred(Wire.RESET, Wire.RESET_INSIDE),
    ),
    row(
        "httpx",
        "LocalProtocolError",
        r"\bLocalProtocolError\b",
        Wire.LOCAL,
        Wire.GOAWAY,
        Wire.STREAM_RESET,
    ),
    row(
        "httpx",
        "ReadError",
        r"\bhttp(?:x|core)\.ReadError\b|\bReadError\(['\"]",
        *RESETS,
        Wire.CORRUPT,
        Wire.CLOSE,
    ),
    row(
        "httpx",
        "WriteError",
        r"\bhttp(?:x|core)\.WriteError\b|\bWriteError\(['\"]",
        Wire.CUT_SENDING,
        Wire.RESET,
    ),
    row(
        "httpx",
        "ConnectError",
        r"\bhttp(?:x|core)\.ConnectError\b|\bConnectError\(['\"]|All connection attempts failed",
        *_CONNECTING,
    ),
    row(
        "httpx",
        "ReadTimeout",
        r"\bhttp(?:x|core)\.ReadTimeout\b|\bReadTimeout\(['\"]",
        Wire.SILENCE,
        Wire.STALL,
    ),
    row(
        "httpx",
        "ConnectTimeout",
        r"\bhttp(?:x|core)\.ConnectTimeout\b|\bConnectTimeout\(['\"]",
        Wire.NO_CONNECT,
        Wire.HELLO_SILENCE,
    ),
    row(
        "httpx",
        "PoolTimeout",
        r"\bhttp(?:x|core)\.PoolTimeout\b|\bPoolTimeout\(['\"]",
        Wire.LOCAL,
        note="All connections of the client's own pool were in use: nothing was sent.",
    ),
    row("httpx", "HTTPStatusError", r"\bHTTPStatusError\b", Wire.STATUS),
    row(
        "httpx",
        "StreamReset, REFUSED_STREAM",
        r"<StreamReset .*error_code:(?:7|.*REFUSED)",
        Wire.STREAM_REFUSED,
    ),
    row("httpx", "StreamReset", r"<StreamReset ", Wire.STREAM_RESET, Wire.STREAM_REFUSED),
    row(
        "httpx",
        "ConnectionState.CLOSED",
        r"LocalProtocolError\b.*\bConnectionState\.CLOSED",
        Wire.GOAWAY,
        note="httpx sends on a connection that a GOAWAY has ended; no packet leaves.",
    ),
    row("httpx", "ConnectionTerminated", r"<ConnectionTerminated ", Wire.GOAWAY),
    row(
        "aiohttp",
        "ServerDisconnectedError",
        r"\bServerDisconnectedError\b|\bServer disconnected$",
        Wire.CLOSE,
    ),
    row(
        "aiohttp",
        "ClientPayloadError",
        r"\bClientPayloadError\b",
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
        note="aiohttp says the same of a close and of a reset in mid-body.",
    ),
    row(
        "aiohttp",
        "a body that ended early",
        r"\b(?:TransferEncodingError|ContentLengthError)\b|Not enough data (?:for|to) satisfy",
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
        Wire.NONSENSE,
    ),
    row(
        "aiohttp",
        "Cannot write to closing transport",
        r"\bClientConnectionResetError\b|Cannot write to closing transport",
        Wire.CUT_SENDING,
        Wire.CLOSE,
        Wire.RESET,
    ),
    row("aiohttp", "ClientOSError", r"\bClientOSError\b", *RESETS),
    row(
        "aiohttp",
        "ClientConnectorError",
        r"\bClientConnector(?:SSL|DNS)?Error\b|Cannot connect to host \S+ ssl:",
        *_CONNECTING,
    ),
    row(
        "aiohttp",
        "a timeout",
        r"\b(?:ServerTimeoutError|SocketTimeoutError|ConnectionTimeoutError)\b",
        *_READ_TIMEOUTS,
        Wire.NO_CONNECT,
    ),
    row(
        "aiohttp",
        "a response that is not parsed",
        r"\bClientResponseError: 400, message=.{0,9}(?:Invalid header|Invalid char|Bad status line|"
        r"Bad HTTP|Expected |Data after|Missing expected|Content-Length can|"
        r"Transfer-Encoding can|Invalid constant)",
        Wire.NONSENSE,
    ),
    row("aiohttp", "an error status", r"\bClientResponseError: [45]\d\d\b", Wire.STATUS),
    row("anyio", "EndOfStream", r"\banyio\.EndOfStream\b", *ENDS),
    row("anyio", "BrokenResourceError", r"\b(?:anyio|trio)\.BrokenResourceError\b", *RESETS, *ENDS),
    row(
        "websocket-client",
        "Connection to remote host was lost",
        r"\bWebSocketConnectionClosedException\b|Connection to remote host was lost",
        Wire.WEBSOCKET_CUT,
        Wire.WEBSOCKET_CLOSED,
        Wire.CLOSE,
        *RESETS,
    ),
    row(
        "websocket-client",
        "an answer that is no WebSocket",
        r"\bWebSocketBadStatusException\b|Handshake status \d{3}",
        Wire.STATUS,
        Wire.WHOLE,
    ),
    row("aiohttp", "Bad status line", r"\bBad status line\b", Wire.NONSENSE),
)
