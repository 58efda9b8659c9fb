"""Family A: reuse and close of connections, HTTP/1.1."""

from .cause import Cause

CAUSES: tuple[Cause, ...] = (
    Cause(
        "connection-close-ignored",
        "the client used a connection that had been announced as closing",
        "A message on the connection carried 'Connection: close' (or was HTTP/1.0 without keep-alive): it "
        "was to be the last one. The client sent another request on it all the same.",
        "The close option stands in the decrypted headers of an earlier, complete exchange, and the request "
        "left after that exchange had ended.",
        "The request had left before the announcing response was complete (pipelining).",
        "Honour 'Connection: close': open a new connection for the next request, and repeat a lost one.",
        "There is nothing to mend: an announced close is no fault of the server.",
        ("RFC 9112 section 9.6", "RFC 9112 section 9.3"),
        failure=False,
    ),
    Cause(
        "unsolicited-408",
        "the server wrote a response that no request had asked for",
        "The server wrote a response onto a connection on which no request was open: mostly a 408 Request "
        "Timeout, when its idle timer fired. A client that sends its next request at that moment takes it "
        "for the answer, although the server never read that request.",
        "The response came before any request, or its segment acknowledges no byte of the request that it "
        "seems to answer.",
        "The response's segment acknowledges the request: then the server did wait for the rest of it.",
        "Drop a connection on which a response arrives unasked; repeat the request on a new connection. The "
        "server did not read it, so that this is safe for any method.",
        "Close idle connections without a response (HAProxy: option http-ignore-probes, or a keep-alive "
        "timeout shorter than the request timeout).",
        ("RFC 9112 section 9.2", "RFC 9110 section 15.5.9", "RFC 9112 section 9.5"),
    ),
    Cause(
        "client-abort",
        "the client hung up first",
        "The client's own side closed or reset the connection while the exchange was open: a timeout of its "
        "own, a cancelled call, a process that ended. Servers log this as 499 or as a broken pipe.",
        "The client's close_notify, FIN or RST comes before any close from the server.",
        "A close from the server that came earlier; a RST from the client's side that only answers data "
        "which arrived after a close, or that its host sent in the program's place.",
        "Find what ended it: a timeout that is too short for this server, a cancellation, the end of the "
        "process.",
        "Look at the time that the server took: the client may have had reason to give up.",
        ("RFC 9112 section 9.5", "RFC 9112 section 9.6"),
    ),
    Cause(
        "keepalive-idle-race",
        "the server closed the idle connection while the next request was on its way",
        "The server may close an idle connection at any time. Here it did so in the very moment in which "
        "the client sent its next request: close and request crossed on the wire. Neither side saw the "
        "other's message in time. The window is one round trip wide, so that it strikes rarely and never on "
        "demand.",
        "The server's first closing segment acknowledges no byte of the request, and the request's segment "
        "does not acknowledge the close.",
        "A close that acknowledges the request (then it is close-mid-request or reset-mid-request); a close "
        "that the client had received before it sent (then it is stale-connection-reuse).",
        "Keep idle connections for a shorter time than the server does (by two round trips at least), and "
        "repeat such a request once on a new connection: the server did not receive it.",
        "Keep idle connections longer than clients and load balancers in front do, and announce the limit "
        "(Keep-Alive: timeout=) or the close (Connection: close).",
        ("RFC 9112 section 9.5", "RFC 9112 section 9.3.1", "RFC 9110 section 9.2.2"),
    ),
    Cause(
        "stale-connection-reuse",
        "the client sent a request on a connection that the server had closed before",
        "The server's close had arrived, and the client's own kernel had acknowledged it, when the program "
        "sent its next request on that connection. It did not look before it wrote.",
        "The request's own segment acknowledges the server's close, which came earlier than a program may "
        "be excused for not noticing.",
        "A request that does not acknowledge the close: then both crossed on the wire (keepalive-idle-race).",
        "Before using a connection again, see whether it has become readable: if so, it is closed. Most "
        "HTTP libraries with a connection pool do this; Python's http.client does not. Repeat the request "
        "on a new connection: the server did not receive it.",
        "There is nothing to mend: closing an idle connection is allowed.",
        ("RFC 9112 section 9.5", "RFC 8446 section 6.1"),
    ),
    Cause(
        "close-mid-request",
        "the server had the request and closed the connection without an answer",
        "The whole request had arrived at the server's end. It then closed the connection in order, without "
        "a byte of response: a crash of a worker, a limit, a backend that went away, a timeout without a "
        "504.",
        "The server acknowledged the last byte of the request at or before its close_notify or FIN, and "
        "sent no response.",
        "A close that acknowledges no byte of the request (keepalive-idle-race); a client that closed first.",
        "Repeat the request only if its method is idempotent: the server may have acted on it.",
        "Find what ends the connection at these times; answer 503 or 504 before closing.",
        ("RFC 9112 section 9.5", "RFC 9110 section 15.6", "RFC 9110 section 9.2.2"),
    ),
    Cause(
        "reset-mid-request",
        "the server had the request and the connection was reset without an answer",
        "The whole request had arrived at the server's end. Instead of an answer came a TCP reset: a killed "
        "worker, a close with unread data, a load balancer that drops the connection, a firewall.",
        "The server acknowledged the last byte of the request at or before the RST, no response byte came, "
        "and no close came before.",
        "A RST that only answers a late request after an earlier close (keepalive-idle-race, "
        "stale-connection-reuse); a RST with foreign marks (middlebox-injected-reset).",
        "Repeat the request only if its method is idempotent: the server may have acted on it.",
        "Find what resets the connection at these times; answer 503 instead, and close in stages.",
        ("RFC 9112 section 9.6", "RFC 9293 section 3.6.1", "RFC 9110 section 9.2.2"),
    ),
    Cause(
        "reset-mid-response",
        "the connection was reset in the middle of the response",
        "The response had begun when a TCP reset ended it. A reset can also destroy bytes that had arrived "
        "but that the program had not read yet, so that the program may have got less than the packets "
        "show.",
        "The response's own framing (Content-Length, last chunk) is not satisfied when the RST comes.",
        "A response that was complete before the RST; a client that closed first; bytes missing from the "
        "capture.",
        "Treat the message as incomplete; fetch the rest with a range request, or repeat it if the method "
        "is idempotent.",
        "Find what aborts the transfer (a backend that fails, a timeout, a killed worker).",
        ("RFC 9112 section 8", "RFC 9112 section 9.6", "RFC 9293 section 3.6.1"),
    ),
    Cause(
        "response-truncated",
        "the server closed the connection before the response was complete",
        "The server ended the connection in order, but the response's own framing says that more was to "
        "come. Some clients report this as success with a short body.",
        "Fewer bytes than Content-Length, or no last chunk, before the server's close_notify or FIN.",
        "A response without a body (HEAD, 204, 304); a client that closed first; a body that ends with the "
        "connection.",
        "Compare the length received with Content-Length; fetch the rest with a range request, or repeat "
        "the request if its method is idempotent.",
        "Look for the upstream that ended early, or a proxy's buffer or time limit; log it as an error.",
        ("RFC 9112 section 8", "RFC 9112 section 6.3", "RFC 8446 section 6.1"),
    ),
)
