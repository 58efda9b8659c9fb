"""What clients in Ruby 3.1, PHP 8.2, Perl (LWP 6.68) and through libcurl's bindings say; wget."""

from __future__ import annotations

from .wording import CONNECTING, CUT, HELLO, RESETS, TIMEOUTS, Wire, row


def _curl(number: str) -> str:
    """How bindings write libcurl's number: Guzzle, pycurl, git."""
    return rf"cURL error {number}\b|pycurl\.error: \({number},|\berror\({number}, '|\bcurl {number}\b"


LIBCURL = (
    row("libcurl", "Could not resolve host", rf"Could not resolve host|{_curl('6')}", Wire.NAME),
    row(
        "libcurl",
        "Failed to connect",
        rf"\bFailed to connect to \S+(?: port \d+| after \d+ ms)|{_curl('7')}",
        Wire.REFUSED,
        Wire.UNREACHABLE,
        Wire.NO_CONNECT,
    ),
    row("libcurl", "Empty reply from server", rf"Empty reply from server|{_curl('52')}", Wire.CLOSE),
    row(
        "libcurl",
        "transfer closed",
        rf"transfer closed with (?:\d+ bytes remaining|outstanding read data)|"
        rf"end of response with \d+ bytes missing|{_curl('18')}",
        Wire.CLOSE_INSIDE,
        Wire.GOAWAY,
    ),
    row("libcurl", "an error status", rf"requested URL returned error: \d|{_curl('22')}", Wire.STATUS),
    row(
        "libcurl",
        "timed out",
        rf"\b(?:Operation|Connection|SSL connection|Resolving) timed out after \d+ millis|{_curl('28')}",
        *TIMEOUTS,
    ),
    row("libcurl", "TLS connect error", _curl("35"), *HELLO),
    row("libcurl", "send failed", rf"Send failure: |{_curl('55')}", Wire.CUT_SENDING, Wire.RESET),
    row("libcurl", "a reset", r"Recv failure: Connection reset|\bSSL_read: Connection reset", *RESETS),
    row(
        "libcurl",
        "receiving failed",
        _curl("56"),
        *CUT,
        Wire.NONSENSE,
        Wire.STREAM_REFUSED,
    ),
    row(
        "libcurl",
        "a certificate error",
        rf"SSL certificate problem|server certificate verification failed|{_curl('60')}",
        Wire.CERTIFICATE,
    ),
    row(
        "libcurl",
        "stream not closed cleanly",
        rf"HTTP/2 stream \d+ was not closed cleanly|{_curl('92')}",
        Wire.STREAM_RESET,
        Wire.STREAM_REFUSED,
        Wire.NONSENSE,
    ),
    row("libcurl", "HTTP/0.9", r"Received HTTP/0\.9 when not allowed", Wire.NONSENSE),
)

SCRIPTS = (
    row(
        "ruby",
        "EOFError",
        r"\bend of file reached\b|\bEOFError\b",
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        Wire.HELLO_CLOSE,
    ),
    row("ruby", "Errno::ECONNRESET", r"Errno::ECONNRESET", *RESETS),
    row("ruby", "Errno::EPIPE", r"Errno::EPIPE", Wire.CUT_SENDING, Wire.RESET),
    row("ruby", "Errno::ECONNREFUSED", r"Errno::ECONNREFUSED", Wire.REFUSED),
    row("ruby", "Net::ReadTimeout", r"Net::ReadTimeout", Wire.SILENCE, Wire.STALL),
    row("ruby", "Net::WriteTimeout", r"Net::WriteTimeout", Wire.SILENCE, Wire.STALL, Wire.CUT_SENDING),
    row("ruby", "Net::OpenTimeout", r"Net::OpenTimeout", Wire.NO_CONNECT, Wire.HELLO_SILENCE),
    row("ruby", "Net::HTTPBadResponse", r"Net::HTTPBadResponse|\bwrong status line: ", Wire.NONSENSE),
    row(
        "ruby",
        "an error status",
        r"\(Net::HTTP(?:Fatal|Retriable)?(?:Client|Server)?(?:Error|Exception)\)",
        Wire.STATUS,
    ),
    row("ruby", "couldn't read response headers", r"couldn't read response headers", Wire.CLOSE, Wire.RESET),
    row("ruby", "Faraday::ConnectionFailed", r"Faraday::ConnectionFailed", *CONNECTING, *CUT),
    row("ruby", "Faraday::TimeoutError", r"Faraday::TimeoutError", *TIMEOUTS),
    row(
        "ruby",
        "OpenSSL::SSL::SSLError",
        r"OpenSSL::SSL::SSLError",
        *HELLO,
        Wire.CORRUPT,
        Wire.CERTIFICATE,
        Wire.CLOSE,
        Wire.CLOSE_INSIDE,
        Wire.CUT_SENDING,
    ),
    row(
        "php",
        "HTTP request failed!",
        r"HTTP request failed!",
        Wire.CLOSE,
        Wire.RESET,
        Wire.SILENCE,
        Wire.STATUS,
        Wire.NONSENSE,
    ),
    row(
        "php",
        "a certificate error",
        r"\bPeer certificate \w+(?:=\S*)? did not match expected",
        Wire.CERTIFICATE,
    ),
    row("php", "SSL: Connection reset by peer", r"SSL: Connection reset by peer", *RESETS),
    row("php", "SSL: Broken pipe", r"SSL: Broken pipe", Wire.CUT_SENDING, Wire.RESET),
    row(
        "php",
        "Failed to open stream: Connection refused",
        r"(?i)failed to open stream: Connection refused",
        Wire.REFUSED,
    ),
    row(
        "perl",
        "Server closed connection without sending any data back",
        r"Server closed connection without sending any data back",
        Wire.CLOSE,
    ),
    row("perl", "Status read failed", r"\b(?:Status )?read failed: Connection reset", *RESETS),
    row("perl", "read timeout", r"\bread timeout\b", Wire.SILENCE, Wire.STALL),
    row("perl", "Can't connect", r"\bCan't connect to \S+:\d+", *CONNECTING),
    row("wget", "Read error", r"Read error .*reset by peer", *RESETS),
    row("wget", "No data received", r"\bNo data received\b", Wire.CLOSE),
    row(
        "wget", "Connection closed at byte", r"\bConnection closed at byte \d+", Wire.CLOSE_INSIDE, Wire.CLOSE
    ),
    row("wget", "Unable to establish SSL connection", r"Unable to establish SSL connection", *HELLO),
)
