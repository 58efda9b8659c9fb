"""What clients say that are built from Rust (hyper 1, reqwest 0.12, rustls, Deno 2) and C# (.NET 8, from its
sources), and what the TLS libraries say that every runtime passes on.
"""

from __future__ import annotations

from .wording import CONNECTING, CUT, ENDS, HELLO, RESETS, TIMEOUTS, Wire, row

_STREAMS = (Wire.STREAM_RESET, Wire.STREAM_REFUSED)

RUST = (
    row(
        "hyper",
        "IncompleteMessage",
        r"\bIncompleteMessage\b|connection closed before message completed",
        Wire.CLOSE,
    ),
    row(
        "hyper",
        "a body that ends early",
        r"end of file before message length reached|\bIncompleteBody\b|unexpected EOF during chunk",
        Wire.CLOSE_INSIDE,
    ),
    row(
        "hyper",
        "error reading a body from connection",
        r"error reading a body from connection|hyper::Error\(Body\b",
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
        *_STREAMS,
        Wire.GOAWAY,
    ),
    row(
        "hyper",
        "an answer that is no HTTP",
        r"invalid HTTP (?:version|header|status-code) parsed|hyper::Error\(Parse\b",
        Wire.NONSENSE,
    ),
    row("hyper", "ConnectionReset", r"\(os error 104\)|kind: ConnectionReset\b", *RESETS),
    row("hyper", "BrokenPipe", r"\(os error 32\)|kind: BrokenPipe\b", Wire.CUT_SENDING, Wire.RESET),
    row("hyper", "ConnectionRefused", r"\(os error 111\)|kind: ConnectionRefused\b", Wire.REFUSED),
    row(
        "hyper",
        "no route to host",
        r"\(os error 1(?:01|13)\)|kind: (?:Network|Host)Unreachable\b",
        Wire.UNREACHABLE,
    ),
    row("hyper", "a connect that failed", r"client error \(Connect\)|\bConnectError\(\"", *CONNECTING),
    row(
        "hyper",
        "a connection that was gone already",
        r"hyper::Error\((?:ChannelClosed|Canceled)\b|dispatch task is gone|connection was not ready",
        *CUT,
        Wire.LOCAL,
    ),
    row("hyper", "name not resolved", r"failed to lookup address information", Wire.NAME),
    row(
        "reqwest",
        "error sending request",
        r"\berror sending request (?:for url|from)\b|reqwest::Error \{ kind: Request\b",
        *CONNECTING,
        *CUT,
        *_STREAMS,
        Wire.SILENCE,
        Wire.STALL,
        Wire.NONSENSE,
    ),
    row(
        "reqwest",
        "error decoding response body",
        r"error decoding response body|request or response body error|"
        r"reqwest::Error \{ kind: (?:Decode|Body)\b",
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
        Wire.CUT_SENDING,
        Wire.STALL,
        Wire.CONTENT,
        Wire.NONSENSE,
        Wire.GOAWAY,
        *_STREAMS,
        Wire.WHOLE,
        note="It is the body that ended early or stood still, and not always what could not be decoded.",
    ),
    row(
        "reqwest",
        "operation timed out",
        r"(?<!read )(?<!write )(?<!handshake )\boperation timed out\b|source: TimedOut\b",
        *TIMEOUTS,
    ),
    row(
        "reqwest",
        "an error status",
        r"HTTP status (?:client|server) error \(\d{3}|reqwest::Error \{ kind: Status\(",
        Wire.STATUS,
    ),
    row("h2", "a refused stream", r"refused stream before processing", Wire.STREAM_REFUSED),
    row("h2", "a stream error", r"\bstream error (?:received|sent): |stream no longer needed", *_STREAMS),
    row("h2", "a connection error", r"\bconnection error (?:received|sent): |\bGoAway\(", Wire.GOAWAY),
    row("rustls", "tls handshake eof", r"\btls handshake eof\b", Wire.HELLO_CLOSE),
    row("rustls", "no close_notify", r"without sending TLS close_notify", *ENDS),
    row("rustls", "invalid peer certificate", r"invalid peer certificate", Wire.CERTIFICATE),
    row("rustls", "a TLS alert", r"\breceived fatal alert: ", Wire.ALERT),
    row("rustls", "an answer that is no TLS", r"received corrupt message of type", Wire.NOT_TLS),
    row(
        "tungstenite",
        "reset without closing handshake",
        r"[Cc]onnection reset without closing handshake",
        Wire.WEBSOCKET_CUT,
    ),
)

DOTNET = (
    row(
        ".NET",
        "a body that ended early",
        r"response ended prematurely, with at least \d+ additional bytes expected",
        Wire.CLOSE_INSIDE,
    ),
    row(
        ".NET",
        "The response ended prematurely",
        r"response ended prematurely(?:\.| while waiting)",
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        Wire.GOAWAY,
    ),
    row(
        ".NET",
        "Unable to read data from the transport connection",
        r"Unable to read data from the transport connection",
        *RESETS,
        *ENDS,
        Wire.SILENCE,
        Wire.STALL,
    ),
    row(
        ".NET",
        "Unable to write data to the transport connection",
        r"Unable to write data to the transport connection",
        Wire.CUT_SENDING,
        Wire.RESET,
    ),
    row(".NET", "a reset", r"forcibly closed by the remote host|SocketException \(104\)", *RESETS),
    row(".NET", "a refused connect", r"actively refused it|SocketException \(111\)", Wire.REFUSED),
    row(
        ".NET",
        "a connect without an answer",
        r"connected party did not properly respond|SocketException \(110\)",
        Wire.NO_CONNECT,
        Wire.SILENCE,
        Wire.STALL,
    ),
    row(".NET", "unexpected EOF", r"unexpected EOF or 0 bytes from the transport stream", *ENDS),
    row(
        ".NET",
        "a kept connection that was closed",
        r"expected to be kept alive was closed by the server",
        Wire.CLOSE,
        Wire.CUT_SENDING,
        Wire.RESET,
    ),
    row(
        ".NET",
        "HttpClient.Timeout",
        r"configured HttpClient\.Timeout of [\d.,]+ seconds? elapsing",
        *TIMEOUTS,
    ),
    row(
        ".NET",
        "The SSL connection could not be established",
        r"SSL connection could not be established|[Aa]uthentication failed because the remote party",
        *HELLO,
        Wire.HELLO_SILENCE,
        Wire.CERTIFICATE,
    ),
    row(
        ".NET",
        "a certificate error",
        r"remote certificate (?:is invalid|was rejected)|\bRemoteCertificate(?:Name|Chain|Not)\w+",
        Wire.CERTIFICATE,
    ),
    row(".NET", "HTTP/2 GOAWAY", r"HTTP/2 server closed the connection", Wire.GOAWAY),
    row(".NET", "HTTP/2 stream reset", r"HTTP/2 server reset the stream", *_STREAMS),
    row(
        ".NET",
        "an answer that is no HTTP",
        r"received an invalid (?:status line|header)",
        Wire.NONSENSE,
    ),
    row(
        ".NET",
        "an error status",
        r"Response status code does not indicate success: \d{3}",
        Wire.STATUS,
    ),
    row(
        ".NET",
        "An error occurred while sending the request",
        r"error occurred while sending the request",
        *CONNECTING,
        *CUT,
        *_STREAMS,
        Wire.SILENCE,
        Wire.NONSENSE,
        note="It wraps the exception that says more.",
    ),
    row(
        ".NET",
        "Error while copying content to a stream",
        r"Error while copying content to a stream",
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
        Wire.CUT_SENDING,
        Wire.STALL,
        *_STREAMS,
    ),
)

TLS = (
    row("a TLS library", "unexpected eof while reading", r"unexpected eof while reading", *ENDS),
    row(
        "a TLS library",
        "SSL_ERROR_SYSCALL",
        r"\bSSL_ERROR_SYSCALL\b|\bSSL_connect SYSCALL returned=5 errno=0\b|"
        r"\bSysCallError: \(-1, 'Unexpected EOF'",
        *ENDS,
        *RESETS,
        note="It is an end without close_notify (errno 0) or a reset (errno 104).",
    ),
    row("a TLS library", "a reset", r"\bSSL_ERROR_SYSCALL, errno 104\b|\bSysCallError: \(104,", *RESETS),
    row(
        "a TLS library",
        "certificate verify failed",
        r"\bcertificate verify failed\b|unable to get local issuer certificate|"
        r"no alternative certificate subject name|self[- ]signed certificate",
        Wire.CERTIFICATE,
    ),
    row(
        "a TLS library",
        "an answer that is no TLS",
        r"\bwrong version number\b|packet length too long|does not look like a TLS handshake|"
        r"http request\b.*SSL|SSL.*\bhttp request\b",
        Wire.NOT_TLS,
    ),
    row("a TLS library", "a TLS alert", r"\b(?:sslv3|tlsv1(?:\.?3)?) (?:\w+ )?alert\b", Wire.ALERT),
    row("a TLS library", "bad record mac", r"(?<!alert )\bbad record mac\b", Wire.CORRUPT),
    row(
        "a TLS library",
        "an end without close_notify",
        r"TLS connection was non-properly terminated|missing close_notify",
        *ENDS,
    ),
    row("a TLS library", "Error in the pull function", r"Error in the pull function", *RESETS),
)
"""They say it through all runtimes."""
