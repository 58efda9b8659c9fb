"""The tables, held against what the clients print: the texts are theirs, got over TLS 1.3 by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose.testimony.sayings import sayings
from plainwire.diagnose.testimony.wording import Wire
from tests.diagnose.testimony.speech import (
    JAVA,
    NODE,
    PYTHON,
    PYTHON_2,
    PYTHON_3_13,
    UNKNOWN,
    account,
    words,
)

if TYPE_CHECKING:
    from plainwire.model import Process

RESETS = {Wire.RESET, Wire.RESET_INSIDE, Wire.HELLO_RESET, Wire.CUT_SENDING}
WAITS = {Wire.SILENCE, Wire.STALL, Wire.HELLO_SILENCE, Wire.NO_CONNECT}
CONNECT = {Wire.REFUSED, Wire.UNREACHABLE, Wire.NO_CONNECT}

TEXTS: list[tuple[Process, str, set[Wire]]] = [
    (PYTHON, "httpx.ProxyError: 403 Forbidden", {Wire.PROXY}),
    (
        PYTHON,
        "aiohttp.client_exceptions.ClientHttpProxyError: 403, message='Forbidden', url='http://127.0.0.1:3128'",
        {Wire.PROXY},
    ),
    (
        NODE,
        "RequestAbortedError [AbortError]: Proxy response (403) !== 200 when HTTP Tunneling",
        {Wire.PROXY},
    ),
    (JAVA, 'Exception in thread "main" java.io.IOException: Tunnel failed, got: 403', {Wire.PROXY}),
    (
        UNKNOWN,
        "fatal: unable to access 'https://a.test/': CONNECT tunnel failed, response 403",
        {Wire.PROXY},
    ),
    (UNKNOWN, "500 establishing SSL tunnel failed: 403 Forbidden at -e line 1.", {Wire.PROXY}),
    (UNKNOWN, '2026/12/01 13:06:07 Get "https://denied.test/x": Forbidden', {Wire.PROXY}),
    (
        PYTHON,
        "http.client.RemoteDisconnected: Remote end closed connection without response",
        {Wire.CLOSE, Wire.RESET},
    ),
    (
        PYTHON_3_13,
        "http.client.RemoteDisconnected: Remote end closed connection without response",
        {Wire.CLOSE},
    ),
    (
        PYTHON_2,
        "httplib.BadStatusLine: No status line received - the server has closed the connection",
        {Wire.CLOSE, Wire.NONSENSE},
    ),
    (PYTHON_3_13, "ConnectionResetError: [Errno 104] Connection reset by peer", RESETS),
    (
        PYTHON,
        (
            "requests.exceptions.ConnectionError: ('Connection aborted.', "
            "RemoteDisconnected('Remote end closed connection without response'))"
        ),
        {Wire.CLOSE, Wire.RESET},
    ),
    (
        PYTHON_3_13,
        (
            'requests.exceptions.ChunkedEncodingError: ("Connection broken: IncompleteRead(50 bytes read, '
            '50 more expected)", IncompleteRead(50 bytes read, 50 more expected))'
        ),
        {Wire.CLOSE_INSIDE},
    ),
    (
        PYTHON,
        "requests.exceptions.ChunkedEncodingError: Response ended prematurely",
        {Wire.CLOSE_INSIDE, Wire.RESET_INSIDE},
    ),
    (
        PYTHON,
        "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='a', port=443): Read timed out.",
        {Wire.SILENCE, Wire.STALL, Wire.HELLO_SILENCE},
    ),
    (
        PYTHON_3_13,
        "httpx.RemoteProtocolError: Server disconnected without sending a response.",
        {Wire.CLOSE},
    ),
    (
        PYTHON_3_13,
        (
            "httpx.RemoteProtocolError: peer closed connection without sending complete message body "
            "(received 50 bytes, expected 100)"
        ),
        {Wire.CLOSE_INSIDE},
    ),
    (
        PYTHON,
        "httpx.RemoteProtocolError: <StreamReset stream_id:1, error_code:7, remote_reset:True>",
        {Wire.STREAM_REFUSED},
    ),
    (
        PYTHON,
        "httpx.RemoteProtocolError: <ConnectionTerminated error_code:0, last_stream_id:0>",
        {Wire.GOAWAY},
    ),
    (PYTHON, "aiohttp.client_exceptions.ServerDisconnectedError: Server disconnected", {Wire.CLOSE}),
    (PYTHON, "aiohttp.client_exceptions.ClientOSError: [Errno 104] Connection reset by peer", RESETS),
    (PYTHON, "ConnectionRefusedError: [Errno 111] Connection refused", {Wire.REFUSED}),
    (PYTHON, "socket.gaierror: [Errno -2] Name or service not known", {Wire.NAME}),
    (
        PYTHON,
        "ssl.SSLError: [SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:992)",
        {Wire.ALERT},
    ),
    (PYTHON, "ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:992)", {Wire.NOT_TLS}),
    (
        PYTHON,
        (
            "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
            "self-signed certificate (_ssl.c:992)"
        ),
        {Wire.CERTIFICATE},
    ),
    (PYTHON, "TimeoutError: _ssl.c:989: The handshake operation timed out", {Wire.HELLO_SILENCE}),
    (
        PYTHON,
        "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: https://a/",
        {Wire.STATUS},
    ),
    (NODE, "Error: connect ECONNREFUSED 127.0.0.1:443", {Wire.REFUSED}),
    (
        NODE,
        "TypeError: fetch failed\n    at fetch (a.js:1:1) {\n  [cause]: Error: read ECONNRESET\n",
        RESETS | {Wire.CORRUPT},
    ),
    (
        NODE,
        "TypeError: fetch failed\n  [cause]: SocketError: other side closed\n",
        {Wire.CLOSE, Wire.CLOSE_INSIDE, Wire.RESET, Wire.RESET_INSIDE},
    ),
    (NODE, "Error: Parse Error: Expected HTTP/", {Wire.NONSENSE}),
    (
        NODE,
        "Error: Client network socket disconnected before secure TLS connection was established",
        {Wire.HELLO_CLOSE},
    ),
    (
        NODE,
        "Error [ERR_HTTP2_STREAM_ERROR]: Stream closed with error code NGHTTP2_REFUSED_STREAM",
        {Wire.STREAM_REFUSED, Wire.GOAWAY},
    ),
    (
        JAVA,
        (
            "java.io.IOException: HTTP/1.1 header parser received no bytes\n\tat a.b(C.java:1)\n"
            "Caused by: java.net.SocketException: Connection reset\n\tat d.e(F.java:2)\n"
        ),
        {Wire.RESET},
    ),
    (
        JAVA,
        (
            "java.io.IOException: HTTP/1.1 header parser received no bytes\n"
            "Caused by: java.io.EOFException: EOF reached while reading\n"
        ),
        {Wire.CLOSE},
    ),
    (JAVA, "java.net.SocketException: Unexpected end of file from server", {Wire.CLOSE}),
    (JAVA, "java.io.IOException: Server returned HTTP response code: 503 for URL: https://a/", {Wire.STATUS}),
    (JAVA, "java.io.FileNotFoundException: https://a/b", {Wire.STATUS}),
    (
        JAVA,
        "javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake",
        {Wire.HELLO_RESET, Wire.HELLO_CLOSE},
    ),
    (JAVA, "java.io.IOException: unexpected end of stream on https://a/...", {Wire.CLOSE}),
    (JAVA, "java.net.ProtocolException: unexpected end of stream", {Wire.CLOSE_INSIDE}),
    (JAVA, "java.net.ProtocolException: Unexpected status line: what", {Wire.NONSENSE}),
    (
        JAVA,
        "java.net.SocketTimeoutException: timeout\nCaused by: java.net.SocketException: Socket closed\n",
        {Wire.SILENCE, Wire.STALL, Wire.HELLO_SILENCE},
    ),
    (
        JAVA,
        "org.apache.http.NoHttpResponseException: a:443 failed to respond",
        {Wire.CLOSE, Wire.CUT_SENDING, Wire.NONSENSE},
    ),
    (
        JAVA,
        (
            "org.apache.hc.core5.http.ConnectionClosedException: Premature end of Content-Length delimited "
            "message body (expected: 100; received: 50)"
        ),
        {Wire.CLOSE_INSIDE},
    ),
    (JAVA, "org.apache.http.conn.HttpHostConnectException: Connect to a failed: Connection refused", CONNECT),
    (
        UNKNOWN,
        (
            "error sending request for url (https://a/b): client error (SendRequest): connection closed "
            "before message completed"
        ),
        {Wire.CLOSE},
    ),
    (
        UNKNOWN,
        (
            "Error: reqwest::Error { kind: Decode, source: hyper::Error(Body, Custom { kind: UnexpectedEof, "
            "error: IncompleteBody }) }"
        ),
        {Wire.CLOSE_INSIDE},
    ),
    (
        UNKNOWN,
        (
            "error decoding response body: error reading a body from connection: Connection reset by peer "
            "(os error 104)"
        ),
        {Wire.RESET_INSIDE},
    ),
    (UNKNOWN, "error sending request for url (https://a/b): operation timed out", WAITS),
    (UNKNOWN, "500 Server closed connection without sending any data back", {Wire.CLOSE}),
    (UNKNOWN, "500 Status read failed: Connection reset by peer", RESETS),
    (
        UNKNOWN,
        "`rbuf_fill': end of file reached (EOFError)",
        {Wire.CLOSE, Wire.CLOSE_INSIDE, Wire.HELLO_CLOSE},
    ),
    (UNKNOWN, '`read_status_line\': wrong status line: "what" (Net::HTTPBadResponse)', {Wire.NONSENSE}),
    (PYTHON, "error(18, 'end of response with 50 bytes missing')", {Wire.CLOSE_INSIDE, Wire.GOAWAY}),
    (PYTHON, "failed: (7, 'Failed to connect to a:1 after 0 ms: Could not connect to server')", CONNECT),
    (UNKNOWN, "cURL error 52: Empty reply from server (see https://curl.se) for https://a/b", {Wire.CLOSE}),
    (
        UNKNOWN,
        "TypeError: ECONNRESET: The socket connection was closed unexpectedly. For more information, ...",
        RESETS | {Wire.CLOSE, Wire.CLOSE_INSIDE, Wire.HELLO_CLOSE},
    ),
    (UNKNOWN, 'Get "https://a/b": EOF', {Wire.CLOSE, Wire.HELLO_CLOSE}),
    (UNKNOWN, 'Get "https://a/b": read tcp 1.2.3.4:5->6.7.8.9:443: read: connection reset by peer', RESETS),
    (UNKNOWN, "unexpected EOF", {Wire.CLOSE_INSIDE}),
    (UNKNOWN, "curl: (52) Empty reply from server", {Wire.CLOSE}),
    (UNKNOWN, "curl: (18) transfer closed with 50 bytes remaining to read", {Wire.CLOSE_INSIDE, Wire.GOAWAY}),
    (UNKNOWN, "curl: (7) Failed to connect to a port 443: Connection refused", {Wire.REFUSED}),
]


@pytest.mark.parametrize(
    ("process", "text", "wire"), TEXTS, ids=[f"{p.runtime}: {t[:50]}" for p, t, _ in TEXTS]
)
def test_what_a_client_says_stands_for_what_the_wire_did(
    process: Process, text: str, wire: set[Wire]
) -> None:
    (said,) = sayings(account(words(text + "\n", 0), process=process))
    assert said.wire == wire


def test_only_versions_that_mix_up_a_reset_and_a_close_are_said_to() -> None:
    text = "http.client.RemoteDisconnected: Remote end closed connection without response\n"
    (old,) = sayings(account(words(text, 0)))
    (new,) = sayings(account(words(text, 0), process=PYTHON_3_13))
    (unknown,) = sayings(account(words(text, 0), process=UNKNOWN))
    assert [set(said.blurred) for said in (old, new, unknown)] == [{Wire.RESET}, set(), set()]
