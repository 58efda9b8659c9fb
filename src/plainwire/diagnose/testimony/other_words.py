"""What clients of other kinds say: Node 20 with its libraries, Go 1.19, curl 7.88; and the exit statuses that
say something by themselves.
"""

from __future__ import annotations

from .curl_statuses import ENDINGS
from .wording import ENDS, HELLO, LARGE_HEADER, RESETS, TIMEOUTS, Wire, row

_TWO_RESETS = (
    "Node's code ECONNRESET stands for a close (`socket hang up`) and for a reset (`read ECONNRESET`, but "
    "`socket hang up` as well, where the reset came close behind other data)."
)

NODE = (
    row(
        "node",
        "ECONNRESET",
        r"\bECONNRESET\b",
        *RESETS,
        *ENDS,
        Wire.CORRUPT,
        note=_TWO_RESETS,
    ),
    row("node", "read ECONNRESET", r"\bread ECONNRESET\b", *RESETS, Wire.CORRUPT, note=_TWO_RESETS),
    row("node", "write ECONNRESET", r"\bwrite ECONNRESET\b", *RESETS, note=_TWO_RESETS),
    row("node", "socket hang up", r"\bsocket hang up\b", Wire.CLOSE, Wire.RESET, note=_TWO_RESETS),
    row(
        "node",
        "other side closed",
        r"\bother side closed\b",
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        Wire.RESET,
        Wire.RESET_INSIDE,
        note="undici says so of a reset as well, where Node told it of an end of the connection.",
    ),
    row(
        "node",
        "aborted",
        r"^(?:Uncaught )?(?:Error: )?aborted$|^Error: aborted\b|\baborted\b.* ECONNRESET\b",
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
    ),
    row(
        "node",
        "UND_ERR_SOCKET",
        r"\bUND_ERR_SOCKET\b",
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        *RESETS,
        Wire.CORRUPT,
    ),
    row(
        "node",
        "Premature close",
        r"\bPremature close\b|\bERR_STREAM_PREMATURE_CLOSE\b",
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
    ),
    row(
        "node",
        "a body of another length",
        r"UND_ERR_RES_CONTENT_LENGTH_MISMATCH|body does not match content-length",
        Wire.CLOSE_INSIDE,
        Wire.NONSENSE,
    ),
    row(
        "node",
        "This operation was aborted",
        r"\bThis operation was aborted\b|\bUND_ERR_ABORTED\b|AbortError: The (?:user|operation)",
        *TIMEOUTS,
        Wire.LOCAL,
        note="The program aborted it itself, as a timeout of its own does.",
    ),
    row("node", "a port that fetch forbids", r"\bError: bad port\b", Wire.LOCAL),
    row("node-fetch", "a request that failed", r"\brequest to \S+ failed, reason: ", *Wire),
    row("axios", "a timeout", r"\btimeout of \d+ms exceeded\b|\bECONNABORTED\b", *TIMEOUTS),
    row(
        "axios",
        "an error status",
        r"\bRequest failed with status code \d{3}\b|\bERR_BAD_RE(?:SPONSE|QUEST)\b",
        Wire.STATUS,
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
    ),
    row("got", "an error status", r"\bResponse code [45]\d\d \(", Wire.STATUS),
    row("got", "a timeout", r"Timeout awaiting '\w+' for \d+ms", *TIMEOUTS),
    row("axios", "stream has been aborted", r"stream has been aborted", Wire.CLOSE_INSIDE, Wire.RESET_INSIDE),
    row(
        "got",
        "The server aborted pending request",
        r"server aborted pending request",
        Wire.CLOSE_INSIDE,
        Wire.RESET_INSIDE,
    ),
    row("node", "terminated", r"TypeError: terminated\b", Wire.CLOSE_INSIDE, Wire.RESET_INSIDE),
    row("node", "write EPIPE", r"\bwrite EPIPE\b", Wire.CUT_SENDING, Wire.RESET),
    row("node", "connect ECONNREFUSED", r"\bconnect ECONNREFUSED\b", Wire.REFUSED),
    row("node", "connect ETIMEDOUT", r"\bconnect ETIMEDOUT\b|UND_ERR_CONNECT_TIMEOUT", Wire.NO_CONNECT),
    row("node", "no route to host", r"\bconnect E(?:HOST|NET)UNREACH\b", Wire.UNREACHABLE),
    row("node", "a name that is not found", r"\bgetaddrinfo E\w+\b", Wire.NAME),
    row(
        "node",
        "socket disconnected before secure TLS connection",
        r"socket disconnected before secure TLS connection",
        Wire.HELLO_CLOSE,
    ),
    row("node", "a TLS alert", r"SSL alert number \d+", Wire.ALERT),
    row(
        "node",
        "wrong version number",
        r"ssl3_get_record:wrong version number|\bEPROTO\b.*wrong version",
        Wire.NOT_TLS,
    ),
    row(
        "node",
        "a certificate error",
        r"\b(?:UNABLE_TO_(?:VERIFY|GET_ISSUER)|SELF_SIGNED_CERT|DEPTH_ZERO|CERT_|ERR_TLS_CERT)\w+|"
        r"unable to verify the first certificate|"
        r"does not match certificate's altnames",
        Wire.CERTIFICATE,
    ),
    row(
        "node",
        "a request body of another length",
        r"UND_ERR_REQ_CONTENT_LENGTH_MISMATCH|Request body length does not match|"
        r"\bERR_HTTP_CONTENT_LENGTH_MISMATCH\b",
        Wire.SILENCE,
        note="The program declared another length than it sent: Content-Length is best left to the library.",
    ),
    row(
        "node",
        LARGE_HEADER,
        r"\bHPE_HEADER_OVERFLOW\b|Header overflow|Headers Overflow|\bUND_ERR_HEADERS_OVERFLOW\b",
        Wire.NONSENSE,
    ),
    row(
        "node",
        "Parse Error",
        r"\bHPE_[A-Z_]+\b|\bParse Error: |HTTPParserError|not match the HTTP/1\.1 protocol",
        Wire.NONSENSE,
    ),
    row(
        "node",
        "a timeout",
        r"UND_ERR_(?:HEADERS|BODY)_TIMEOUT|operation was aborted due to timeout",
        *TIMEOUTS,
    ),
    row(
        "node",
        "NGHTTP2_REFUSED_STREAM",
        r"\bNGHTTP2_REFUSED_STREAM\b",
        Wire.STREAM_REFUSED,
        Wire.GOAWAY,
        note="Node makes this by itself after a GOAWAY, without any RST_STREAM.",
    ),
    row("node", "a stream error", r"\bNGHTTP2_[A-Z_]+\b", Wire.STREAM_RESET, Wire.NONSENSE),
    row("node", "a session after GOAWAY", r"\bERR_HTTP2_GOAWAY_SESSION\b", Wire.GOAWAY),
    row(
        "node",
        "a canceled stream",
        r"\bERR_HTTP2_STREAM_CANCEL\b|pending stream has been canceled",
        Wire.GOAWAY,
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        *RESETS,
        Wire.STREAM_REFUSED,
    ),
    row("node", "Session closed with error code", r"\bSession closed with error code\b", Wire.GOAWAY),
    row(
        "node",
        "GOAWAY frame received",
        r"\"GOAWAY\" frame received with code 0\b",
        Wire.GOAWAY,
        note="undici fails what it has under way for a GOAWAY, also what the server answers.",
    ),
    row(
        "node",
        "a session that is over",
        r"\bERR_HTTP2_INVALID_SESSION\b",
        Wire.GOAWAY,
        note="The program goes on with a session that has ended; no packet leaves.",
    ),
    row("node", "fetch failed", r"TypeError: fetch failed|\bfetch failed$", *Wire),
)

GO = (
    row("go", "connection reset by peer", r"\bread tcp .*: connection reset by peer", *RESETS),
    row("go", "unexpected EOF", r"\bunexpected EOF$", Wire.CLOSE_INSIDE),
    row("go", "EOF", r"(?:Get|Post|Put|Delete|Head|Patch) \"\S+\": EOF\b", Wire.CLOSE, Wire.HELLO_CLOSE),
    row(
        "go",
        "context deadline exceeded",
        r"context deadline exceeded|Client\.Timeout",
        *TIMEOUTS,
        Wire.STREAM_REFUSED,
        Wire.GOAWAY,
        note="Go repeats by itself until the deadline what was refused or came behind a GOAWAY.",
    ),
    row(
        "go",
        "context canceled",
        r"\bcontext canceled\b|net/http: request canceled$",
        Wire.SILENCE,
        Wire.STALL,
        Wire.HELLO_SILENCE,
        Wire.NO_CONNECT,
        Wire.LOCAL,
        note="The program canceled it: what it did so for it may say elsewhere.",
    ),
    row("go", "server closed idle connection", r"http: server closed idle connection", Wire.CLOSE),
    row(
        "go",
        "a write that failed",
        r"\bwrite tcp .*: (?:broken pipe|connection reset by peer)",
        Wire.CUT_SENDING,
        Wire.RESET,
    ),
    row("go", "TLS handshake timeout", r"\bTLS handshake timeout\b", Wire.HELLO_SILENCE),
    row("go", "timeout awaiting response headers", r"timeout awaiting response headers", Wire.SILENCE),
    row("go", "client connection lost", r"http2: client connection lost", Wire.SILENCE, Wire.STALL),
    row(
        "go",
        "transport connection broken",
        r"transport connection broken",
        *RESETS,
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        Wire.NONSENSE,
    ),
    row(
        "go",
        "a request that cannot be retried",
        r"cannot retry err \[|after Request\.Body was written",
        Wire.GOAWAY,
        Wire.STREAM_REFUSED,
        Wire.CLOSE,
        note="Go repeats by itself only what it can send again: set Request.GetBody.",
    ),
    row(
        "go",
        "use of closed network connection",
        r"use of closed network connection|client connection force closed",
        Wire.SILENCE,
        Wire.STALL,
        Wire.LOCAL,
        note="The program's own side closed it.",
    ),
    row("go", "connection refused", r"\bdial tcp .*: connect: connection refused", Wire.REFUSED),
    row(
        "go",
        "no way there",
        r"\bdial \w+ .*: connect: (?:network is unreachable|no route to host)",
        Wire.UNREACHABLE,
    ),
    row("go", "i/o timeout", r"\bdial tcp .*: i/o timeout", Wire.NO_CONNECT),
    row("go", "no such host", r"\bdial \w+: lookup .*: no such host", Wire.NAME),
    row("go", "a name that was not resolved", r"\bdial \w+: lookup \S+(?: on \S+)?: ", Wire.NAME),
    row("go", "remote error: tls", r"remote error: tls: ", Wire.ALERT),
    row("go", "bad record MAC", r"local error: tls: bad record MAC", Wire.CORRUPT),
    row("go", "x509", r"\bx509: ", Wire.CERTIFICATE),
    row("go", "HTTP response to HTTPS client", r"server gave HTTP response to HTTPS client", Wire.NOT_TLS),
    row("go", LARGE_HEADER, r"server response headers exceeded \d+ bytes", Wire.NONSENSE),
    row("go", "malformed HTTP", r"malformed (?:HTTP|MIME)", Wire.NONSENSE),
    row("go", "REFUSED_STREAM", r"stream error: .*REFUSED_STREAM", Wire.STREAM_REFUSED),
    row("go", "stream error", r"stream error: stream ID \d+", Wire.STREAM_RESET),
    row("go", "server sent GOAWAY", r"server sent GOAWAY", Wire.GOAWAY),
)

CURL = (
    row("curl", "(6) name not resolved", r"curl: \([56]\)", Wire.NAME),
    row("curl", "(7) failed to connect", r"curl: \(7\)", Wire.REFUSED, Wire.UNREACHABLE, Wire.NO_CONNECT),
    row("curl", "(56) a proxy that refused", r"curl: \(56\).* CONNECT", Wire.PROXY),
    row("curl", "(8) weird server reply", r"curl: \(8\)", Wire.NONSENSE),
    row("curl", "(16) HTTP/2 framing", r"curl: \(16\)", Wire.GOAWAY, Wire.NONSENSE),
    row("curl", "(18) transfer closed", r"curl: \(18\)", Wire.CLOSE_INSIDE, Wire.GOAWAY),
    row("curl", "(22) an error status", r"curl: \(22\)", Wire.STATUS),
    row("curl", "(23) failed writing", r"curl: \(23\)", Wire.CONTENT, Wire.LOCAL),
    row("curl", "(28) timed out", r"curl: \(28\)", *TIMEOUTS),
    row("curl", "(35) TLS connect error", r"curl: \(35\)", *HELLO),
    row("curl", "(52) Empty reply from server", r"curl: \(52\)", Wire.CLOSE),
    row("curl", "(55) send failed", r"curl: \(55\)", Wire.CUT_SENDING, Wire.RESET),
    row(
        "curl",
        "(56) receiving failed",
        r"curl: \(56\)",
        *RESETS,
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        Wire.CORRUPT,
        Wire.NONSENSE,
        Wire.GOAWAY,
        Wire.STREAM_REFUSED,
        Wire.PROXY,
        note="56 stands for a reset, and with OpenSSL 3 for an end without close_notify as well.",
    ),
    row(
        "curl",
        "(60) certificate",
        r"curl: \((?:51|60)\)|curl failed to verify the legitimacy of the server",
        Wire.CERTIFICATE,
    ),
    row("curl", "(61) content encoding", r"curl: \(61\)", Wire.CONTENT),
    row("curl", "(92) stream not closed cleanly", r"curl: \(92\)", Wire.STREAM_RESET, Wire.NONSENSE),
    row("curl", "HTTP/0.9", r"curl: \(1\) Received HTTP/0\.9", Wire.NONSENSE),
    *(
        row("curl", f"({number}) an error of its own", rf"curl: \({number}\)", Wire.LOCAL)
        for number in ENDINGS
        if number not in (1, 23, 61)
    ),
    row("curl", "a repetition on a fresh connection", r"retrying a fresh connect", *Wire),
)

SHORTAGES = (
    row(
        "a C program",
        "too many open files",
        r"[Tt]oo many open files|\bEM?N?FILE\b|\[Errno 2[34]\]",
        Wire.LOCAL,
    ),
    row(
        "a C program",
        "no free local port",
        r"(?:Cannot|can't) assign requested address|\bEADDRNOTAVAIL\b|\[Errno 99\]",
        Wire.LOCAL,
    ),
    row("a C program", "no buffer space", r"No buffer space available|\bENOBUFS\b|\[Errno 105\]", Wire.LOCAL),
)
"""What the kernel says to any program, in words that runtimes pass on."""

OTHERS = (
    row(
        "a C program",
        "name not resolved",
        r"unable to resolve host|php_network_getaddresses|getaddrinfo: .*not known|"
        r"Temporary failure in name resolution|Name or service not known",
        Wire.NAME,
    ),
)

EXIT_STATUSES: dict[tuple[str, int], tuple[str, frozenset[Wire]]] = {
    **{
        ("curl", number): (f"exit status {number}", wording.wire)
        for wording in CURL
        for number in (1, 5, 6, 7, 8, 16, 18, 22, 23, 28, 35, 51, 52, 55, 56, 60, 61, 92)
        if wording.pattern.match(f"curl: ({number})")
    },
    ("curl", 97): ("exit status 97", frozenset({Wire.PROXY, Wire.CLOSE, Wire.RESET})),
    ("curl", 1): ("exit status 1", frozenset({Wire.NONSENSE, Wire.LOCAL})),
    ("wget", 4): (
        "exit status 4",
        frozenset({*RESETS, *TIMEOUTS, Wire.CLOSE, Wire.CLOSE_INSIDE, Wire.REFUSED, Wire.NAME}),
    ),
    ("wget", 5): ("exit status 5", frozenset({*HELLO, Wire.CERTIFICATE})),
    ("wget", 8): ("exit status 8", frozenset({Wire.STATUS})),
}
"""Runtime and exit status to our words for it, and what the wire may have done."""
