"""What clients of calls, WebSockets and model services say, whatever they are written in: gRPC (grpcio,
grpclib, grpc-go, grpc-java), websockets, ws, botocore, openai. And words that any program may choose.
"""

from __future__ import annotations

from .wording import CLOSED, CONNECTING, CUT, ENDS, RESETS, TIMEOUTS, Wire, row

_NO_STATUS = "A gRPC status may be the server's own, or made by the client of what became of the connection."
_GIVEN_UP = r"DEADLINE_EXCEEDED|DeadlineExceeded|Deadline exceeded|Deadline Exceeded"

CALLS = (
    row(
        "grpc",
        "the status DEADLINE_EXCEEDED",
        rf"\b(?:StatusCode|Status)[.:]\s?(?:{_GIVEN_UP})|code = DeadlineExceeded|"
        r"StatusRuntimeException: DEADLINE_EXCEEDED|\b4 DEADLINE_EXCEEDED\b|TimeoutError:? Deadline exceeded",
        Wire.CALL_STATUS,
        *TIMEOUTS,
        note=_NO_STATUS,
    ),
    row(
        "grpc",
        "the status UNAVAILABLE",
        r"\b(?:StatusCode|Status)\.UNAVAILABLE\b|code = Unavailable\b|StatusRuntimeException: UNAVAILABLE|"
        r"\b14 UNAVAILABLE\b|^UNAVAILABLE\b",
        Wire.CALL_STATUS,
        Wire.STATUS,
        Wire.STREAM_REFUSED,
        Wire.STREAM_RESET,
        *CONNECTING,
        *CUT,
        note=_NO_STATUS,
    ),
    row(
        "grpc",
        "an error status",
        r"\b(?:StatusCode|Status)\.(?!OK\b|UNAVAILABLE|DEADLINE_EXCEEDED)[A-Z_]{5,}\b|"
        r"rpc error: code = (?!Unavailable|DeadlineExceeded)\w+|"
        r"StatusRuntimeException: (?!UNAVAILABLE|DEADLINE_EXCEEDED)[A-Z_]+|"
        r"\b(?:1 CANCELLED|2 UNKNOWN|8 RESOURCE_EXHAUSTED|12 UNIMPLEMENTED|13 INTERNAL): ",
        Wire.CALL_STATUS,
        Wire.STATUS,
        Wire.STREAM_RESET,
        Wire.STREAM_REFUSED,
        Wire.NONSENSE,
        Wire.WHOLE,
        *CUT,
    ),
    row("grpc", "Connection lost", r"\bStreamTerminatedError\b.*Connection lost", *CUT),
    row(
        "grpc",
        "StreamTerminatedError",
        r"\bStreamTerminatedError\b(?!.*Connection lost)",
        Wire.GOAWAY,
        Wire.STREAM_RESET,
        Wire.STREAM_REFUSED,
        Wire.NONSENSE,
        Wire.CALL_STATUS,
    ),
    row("grpc", "failed to connect to all addresses", r"failed to connect to all addresses", *CONNECTING),
    row(
        "grpc",
        "Stream removed",
        r"\bStream removed\b(?! \()|\bConnection dropped\b|\btransport is closing\b",
        *CUT,
    ),
    row(
        "grpc",
        "Socket closed",
        r"\(Socket closed\)|details = \"Socket closed|UNAVAILABLE: ?Socket closed",
        *ENDS,
    ),
    row("grpc", "recvmsg: Connection reset by peer", r"recvmsg: ?Connection reset by peer", *RESETS),
    row("grpc", "Failed parsing HTTP/2", r"Failed parsing HTTP/2", Wire.NONSENSE),
    row(
        "grpc",
        "an answer that is no gRPC",
        r"Received http2 header with status: \d{3}|unexpected HTTP status code received from server",
        Wire.STATUS,
        Wire.WHOLE,
    ),
    row("grpc", "RST_STREAM, refused", r"Received RST_STREAM with (?:error )?code 7\b", Wire.STREAM_REFUSED),
    row(
        "grpc",
        "RST_STREAM",
        r"Received RST_STREAM with (?:error )?code (?!7\b)\d+",
        Wire.STREAM_RESET,
    ),
    row(
        "grpc", "too_many_pings", r"\btoo_many_pings\b|\bENHANCE_YOUR_CALM\b", Wire.GOAWAY, Wire.STREAM_RESET
    ),
    row(
        "websockets",
        "ConnectionClosedError",
        r"\bwebsockets\.exceptions\.ConnectionClosedError\b|^ConnectionClosedError$",
        Wire.WEBSOCKET_CUT,
        Wire.WEBSOCKET_CLOSED,
    ),
    row(
        "websockets",
        "the code 1006",
        r"\b(?:code|closed with|close)[ :=(]*1006\b|abnormal closure \[internal\]|close 1006\b",
        Wire.WEBSOCKET_CUT,
    ),
    row(
        "websockets",
        "no close frame received or sent",
        r"no close frame received(?: or sent)?\b",
        Wire.WEBSOCKET_CUT,
    ),
    row(
        "websockets",
        "a handshake without an answer",
        r"stream ends after 0 bytes|connection closed while reading HTTP status line",
        Wire.CLOSE,
        Wire.RESET,
        note="websockets says the same of a close and of a reset.",
    ),
    row(
        "websockets",
        "an answer that ends early",
        r"stream ends after [1-9]\d* bytes, expected \d+ bytes",
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
    ),
    row(
        "websockets",
        "did not receive a valid HTTP response",
        r"did not receive a valid HTTP response|unsupported protocol; expected HTTP/1\.1",
        Wire.CLOSE,
        Wire.RESET,
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
        Wire.NONSENSE,
    ),
    row(
        "websockets",
        "timed out during opening handshake",
        r"timed out (?:during opening handshake|while waiting for handshake response)",
        Wire.SILENCE,
        Wire.STALL,
        Wire.HELLO_SILENCE,
    ),
    row(
        "websockets",
        CLOSED,
        r"\breceived (?!1000\b)[1-4]\d{3} \([\w ]+\)",
        Wire.WEBSOCKET_CLOSED,
    ),
    row(
        "websockets",
        "keepalive ping timeout",
        r"sent 1011 \([\w ]+\) keepalive ping timeout(?!.*then)",
        Wire.WEBSOCKET_CLOSED,
        Wire.WEBSOCKET_CUT,
    ),
    row(
        "websockets",
        "an answer that is no WebSocket",
        r"server rejected WebSocket connection: HTTP \d+|\bInvalidStatus(?:Code)?\b|\bInvalidHandshake\b|"
        r"\bWSServerHandshakeError\b|Unexpected server response: \d{3}",
        Wire.STATUS,
        Wire.WHOLE,
    ),
    row("botocore", "EndpointConnectionError", r"Could not connect to the endpoint URL", *CONNECTING),
    row(
        "botocore",
        "ConnectionClosedError",
        r"Connection was closed before we received a valid response|^ConnectionClosedError$",
        Wire.CLOSE,
        *RESETS,
        Wire.NONSENSE,
    ),
    row("botocore", "ReadTimeoutError", r"Read timeout on endpoint URL", Wire.SILENCE, Wire.STALL),
    row("botocore", "ConnectTimeoutError", r"Connect timeout on endpoint URL", Wire.NO_CONNECT),
    row("botocore", "SSLError", r"SSL validation failed for", Wire.CERTIFICATE, Wire.ALERT, *CUT),
    row("botocore", "HTTPClientError", r"An HTTP Client raised an unhandled exception", *Wire),
    row("botocore", "ResponseStreamingError", r"error occurred while reading from response stream", *CUT),
    row("botocore", "ClientError", r"An error occurred \(\w+\) when calling the \w+ operation", Wire.STATUS),
    row("openai", "APITimeoutError", r"\bAPITimeoutError\b", *TIMEOUTS),
    row("openai", "APIConnectionError", r"\bAPIConnectionError\b", *CONNECTING, *CUT, Wire.NONSENSE),
    row(
        "openai",
        "an error status",
        r"\b(?:InternalServerError|RateLimitError|APIStatusError|AuthenticationError): Error code: \d{3}",
        Wire.STATUS,
    ),
    row("openai", "APIError", r"\bAPIError\b", Wire.EVENT_ERROR, Wire.STATUS, Wire.NONSENSE),
)

KERNEL = (
    row("a C program", "Connection reset by peer", r"[Cc]onnection reset by peer", *RESETS),
    row("a C program", "Broken pipe", r"\b[Bb]roken pipe\b|\bEPIPE\b", Wire.CUT_SENDING, Wire.RESET),
    row("a C program", "Connection refused", r"[Cc]onnection refused|\bECONNREFUSED\b", Wire.REFUSED),
    row(
        "a C program",
        "no route to host",
        r"[Nn]etwork is unreachable|[Nn]o route to host|\bE(?:NET|HOST)UNREACH\b|NoRouteToHost",
        Wire.UNREACHABLE,
    ),
    row("a C program", "timed out", r"\b[Tt]imed out\b|\bETIMEDOUT\b", *TIMEOUTS, Wire.CALL_STATUS),
)
"""What the kernel's errors are called, by C and all that passes its words on."""

WEAK = (
    row("a C program", "a timeout", r"\b[Tt]ime-?out\b", *TIMEOUTS, Wire.CALL_STATUS, weak=True),
    row(
        "a C program",
        "a lost connection",
        r"\b[Cc]onnection (?:was |is |has been )?(?:closed|lost|dropped|aborted|terminated|ended)\b|"
        r"\b[Ss]tream (?:was )?closed\b|\b[Uu]nexpected(?:ly)? (?:EOF|close|end of)",
        *CUT,
        Wire.WEBSOCKET_CUT,
        Wire.WEBSOCKET_CLOSED,
        weak=True,
    ),
    row(
        "a C program",
        "an error status",
        r"\b(?:HTTP|[Ss]tatus)(?: code)?[ :=/.\d]*[ :=]\(?[45]\d\d\b",
        Wire.STATUS,
        Wire.CALL_STATUS,
        weak=True,
    ),
)
"""For lines that no other row knows."""
