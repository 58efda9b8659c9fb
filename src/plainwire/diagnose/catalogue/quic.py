"""Family G: HTTP/3 and QUIC."""

from .cause import Cause

CAUSES: tuple[Cause, ...] = (
    Cause(
        "quic-connection-close",
        "the server closed the QUIC connection while streams were open",
        "A CONNECTION_CLOSE frame ends all streams at once. Its code says what for.",
        "The server's CONNECTION_CLOSE, decrypted, before the response was complete.",
        "A client that closed first; a stream that had been reset before.",
        "Repeat the request only if its method is idempotent, or where the code or a GOAWAY says that it was "
        "not worked on.",
        "Send GOAWAY and let open requests end before closing.",
        ("RFC 9000 section 10.2", "RFC 9114 section 5.3", "RFC 9114 section 8.1"),
    ),
    Cause(
        "quic-stateless-reset",
        "the server no longer knew the QUIC connection",
        "The server answered with a stateless reset: it had lost the connection's state (a restart), or the "
        "packets went to another machine behind the load balancer.",
        "A datagram that ends with the reset token that the server had given.",
        "A CONNECTION_CLOSE, or silence.",
        "Open a new connection; repeat the request if its method is idempotent.",
        "See that the load balancer routes by connection id, and that restarts drain connections.",
        ("RFC 9000 section 10.3",),
    ),
)
