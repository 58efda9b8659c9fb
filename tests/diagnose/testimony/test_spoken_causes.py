"""From words to codes."""

from __future__ import annotations

import pytest

from plainwire.diagnose import CAUSES
from plainwire.diagnose.testimony.spoken_causes import CODES, system_call, wordings_of
from plainwire.diagnose.testimony.wording import Wire


def test_everything_that_the_wire_may_have_done_has_codes_that_exist() -> None:
    assert set(CODES) == set(Wire)
    families = {cause.family for cause in CAUSES.values()}
    for wire, codes in CODES.items():
        assert codes or wire is Wire.WHOLE
        assert all(code in CAUSES or code in families for code in codes)


PUBLIC = {
    "Connection aborted": "close-mid-request",
    "Remote end closed connection without response": "keepalive-idle-race",
    "socket hang up": "keepalive-idle-race",
    "Error: write ECONNRESET": "reset-mid-request",
    "npm ERR! code ECONNRESET": "reset-mid-request",
    "EOF occurred in violation of protocol (_ssl.c:2427)": "keepalive-idle-race",
    "FetchError: Invalid response body while trying to fetch: Premature close": "response-truncated",
    "SocketError: other side closed { code: 'UND_ERR_SOCKET' }": "keepalive-idle-race",
    "NoHttpResponseException": "keepalive-idle-race",
    "ConnectionClosedException: Premature end of chunk coded message body": "response-truncated",
    "ConnectionPoolTimeoutException: Timeout waiting for connection from pool": "pool-wait",
    "java.io.IOException: unexpected end of stream on https://a/...": "keepalive-idle-race",
    "okhttp3.internal.http2.StreamResetException: stream was reset: REFUSED_STREAM": "h2-stream-refused",
    "stream was reset: INTERNAL_ERROR": "h2-stream-reset-internal-error",
    "java.io.IOException: HTTP/1.1 header parser received no bytes": "keepalive-idle-race",
    "PrematureCloseException: Connection prematurely closed BEFORE response": "keepalive-idle-race",
    "http: server closed idle connection": "keepalive-idle-race",
    "http2: client connection lost": "half-open-connection",
    "write tcp 10.0.0.1:5->10.0.0.2:443: write: broken pipe": "stale-connection-reuse",
    "net/http: TLS handshake timeout": "handshake-stall",
    "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to a:443": "handshake-reset",
    "aiohttp.http_exceptions.TransferEncodingError: 400, message: Not enough data": "response-truncated",
    "IncompleteRead": "response-truncated",
    "InvalidChunkLength(got length b'', 0 bytes read)": "response-truncated",
    "ChunkedEncodingError": "response-truncated",
    "ServerDisconnectedError": "keepalive-idle-race",
    "ClientConnectionResetError: Cannot write to closing transport": "stale-connection-reuse",
    "RemoteProtocolError": "keepalive-idle-race",
    "ReadError": "reset-mid-request",
    "StatusCode.UNAVAILABLE": "grpc-status-unavailable",
    "ConnectionClosedError": "websocket-abnormal-close",
    "WebSocketConnectionClosedException: Connection to remote host was lost.": "websocket-abnormal-close",
    "Connection reset by peer (os error 104)": "reset-mid-request",
    "hyper::Error(IncompleteMessage)": "keepalive-idle-race",
    "error sending request for url (https://a/)": "connection-refused",
    "end of file before message length reached": "response-truncated",
    "peer closed connection without sending TLS close_notify": "response-truncated",
    "System.IO.IOException: The response ended prematurely.": "keepalive-idle-race",
    "The response ended prematurely, with at least 5 additional bytes expected.": "response-truncated",
    "Unable to read data from the transport connection: Connection reset by peer.": "reset-mid-request",
    "canceled due to the configured HttpClient.Timeout of 100 seconds elapsing.": "client-timeout-too-short",
    "Received an unexpected EOF or 0 bytes from the transport stream.": "handshake-reset",
    "An existing connection was forcibly closed by the remote host.": "reset-mid-request",
    "cURL error 18: transfer closed with 5 bytes remaining to read": "response-truncated",
    "pycurl.error: (52, 'Empty reply from server')": "keepalive-idle-race",
    "file_get_contents(): SSL: Connection reset by peer": "reset-mid-request",
    "end of file reached (EOFError)": "keepalive-idle-race",
    "Net::ReadTimeout with #<TCPSocket:(closed)>": "client-timeout-too-short",
    "SSL_connect SYSCALL returned=5 errno=0 state=SSLv3/TLS write client hello": "handshake-reset",
    "500 Server closed connection without sending any data back": "keepalive-idle-race",
    "500 Can't connect to a:443 (certificate verify failed)": "chain-incomplete",
    "Tunnel connection failed: 407 Proxy Authentication Required": "proxy-connect-failure",
    "The socket connection was closed unexpectedly.": "keepalive-idle-race",
    "net::ERR_EMPTY_RESPONSE": "keepalive-idle-race",
    "net::ERR_HTTP2_PROTOCOL_ERROR": "goaway-error",
    "PR_END_OF_FILE_ERROR": "handshake-reset",
    "upstream prematurely closed connection while reading response header": "keepalive-idle-race",
    "upstream connect error or disconnect/reset before headers. reset reason: overflow": "overload-5xx",
    "error: RPC failed; curl 56 GnuTLS recv error (-54): Error in the pull function.": "reset-mid-request",
}
"""What people write into their reports, and a cause that must be among those it may have."""


@pytest.mark.parametrize(("said", "code"), PUBLIC.items(), ids=[text[:60] for text in PUBLIC])
def test_what_public_reports_quote_leads_to_the_cause(said: str, code: str) -> None:
    found = {each for row in wordings_of(said) for wire in row.wire for each in CODES[wire]}
    assert any(code == each or code.startswith(f"{each}-") for each in found)


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("52", "curl"),
        ("socket hang up", "node"),
        ("RemoteDisconnected", "http.client"),
        ("unexpected EOF", "go"),
    ],
)
def test_words_are_found_by_pattern_or_by_what_they_are_called(said: str, client: str) -> None:
    assert client in {row.client for row in wordings_of(said)}


def test_numbers_above_those_of_curl_are_of_the_system() -> None:
    assert system_call("104") == system_call("econnreset")
    assert wordings_of("104") == []
    assert system_call("7") is None
    assert wordings_of("nothing of the kind") == []
