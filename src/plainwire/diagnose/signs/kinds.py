"""Every kind of sign: its name in the report, and what one of them says in words."""

from __future__ import annotations

from plainwire.model import HARMLESS, Sign

WORDS = {
    "reset-by-client": "the client reset the connection",
    "reset-by-server": "the connection was reset from the server's side",
    "close-with-data-outstanding": "a side closed while data of its peer was on the way to it",
    "connect-failed": "the connection was never established",
    "icmp-error": "an ICMP error came back",
    "silence-after-retransmissions": "data was sent again and again, and never acknowledged",
    "window-closed": "a receiver kept its window closed for long",
    "tls-alert-by-client": "the client sent a fatal TLS alert",
    "tls-alert-by-server": "the server sent a fatal TLS alert",
    "tls-handshake-not-completed": "the TLS handshake was not completed",
    "no-request-after-handshake": "the client left after the TLS handshake without a request",
    "tunnel-refused": "a proxy refused the tunnel",
    "connect-not-granted": "a proxy did not grant a CONNECT",
    "upgrade-not-granted": "an upgrade to WebSocket was not granted",
    "no-response": "a request got no response",
    "response-incomplete": "a response ended before its end",
    "exchange-aborted": "the client's side ended an exchange",
    "request-refused": "the server refused to work on a request",
    "no-http-response": "what answered a request is no HTTP",
    "request-incomplete": "a request was not sent to its end",
    "message-defect": "a message broke the rules, and its receiver refused it",
    "content-not-decodable": "a body does not decode as its Content-Encoding says",
    "status-4xx": "a request was answered with an error status (4xx)",
    "status-5xx": "a request was answered with an error status (5xx)",
    "response-before-request": "a response came before any request",
    "request-too-early": "a request left before the response to the one before it",
    "stream-reset": "a stream was reset with an error",
    "goaway-error": "the connection was ended by GOAWAY with an error",
    "connection-close-error": "the connection was closed with an error code",
    "stateless-reset": "the server had forgotten the connection (stateless reset)",
    "ping-unanswered": "a PING got no answer",
    "settings-unanswered": "SETTINGS were not acknowledged",
    "response-not-taken": "a whole response was acknowledged, and the client waited, closed and asked again",
    "grpc-status": "a gRPC call ended with an error status",
    "grpc-no-status": "a gRPC call ended without a status",
    "grpc-message-cut": "a gRPC call ended with status OK in the middle of a message",
    "websocket-no-close-frame": "a WebSocket ended without a Close frame",
    "websocket-close-code": "a WebSocket was closed with an error code",
    "websocket-ping-unanswered": "a PING of a WebSocket got no PONG before the end",
    "event-stream-error": "an event of a stream reports an error",
    "event-stream-unfinished": "an event stream ended without its closing event",
    "exit-status": "the program ended with an error status",
    "program-error": "the program told of an error",
    "socket-error": "a call on a socket failed",
}

STOPPED = "the program was stopped with the exchange under way"
"""Why what a stop does to a connection is harmless."""


def sign(
    kind: str,
    connection: int | None,
    *packets: int,
    exchange: int | None = None,
    harmless: str = "",
    says: str = "",
) -> Sign:
    """A sign of a known kind.

    ``harmless`` says why it is not a sign of trouble, where that is so; ``says`` is more exact than
    the kind's words.
    """
    reason = f"{HARMLESS}{harmless}" if harmless else None
    cited = [packet for packet in packets if packet]
    return Sign(kind, cited, connection, exchange, reason, says or WORDS[kind])
