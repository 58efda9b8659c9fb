"""Family A: reuse and close of connections, HTTP/1.1."""

from plainwire.diagnose.causes.cause import Cause

CAUSES: tuple[Cause, ...] = (
    Cause(
        "connection-close-ignored",
        "the client used a connection that had been announced as closing",
        "A message on the connection carried 'Connection: close' (or was HTTP/1.0 without keep-alive): it "
        "was to be the last one. The client sent another request on it all the same.",
        "The close option stands in the decrypted headers of an earlier, complete exchange, and the request "
        "left after that exchange had ended.",
        "The request had left before the announcing response was complete (pipelining).",
        "Honour 'Connection: close': open a new connection for the next request, and retry a lost one.",
        "Nothing to fix: an announced close is no fault of the server.",
        ("RFC 9112 section 9.6", "RFC 9112 section 9.3"),
        failure=False,
        perhaps_whole=True,
    ),
    Cause(
        "unsolicited-408",
        "the server wrote a response that no request had asked for",
        "The server wrote a response onto a connection on which no request was open: mostly a 408 Request "
        "Timeout, when its idle timer fired. A client that sends its next request at that moment takes it "
        "for the response, although the server never read that request.",
        "The response came before any request, or its segment acknowledges no byte of the request that it "
        "seems to answer.",
        "The response's segment acknowledges the request: then the server did wait for the rest of it, but "
        "for a reset behind it that shows that its program had not read it.",
        "Drop a connection on which a response arrives unasked; retry the request on a new connection. The "
        "server did not read it, so that this is safe for any method.",
        "Close idle connections without a response (HAProxy: option http-ignore-probes, or a keep-alive "
        "timeout shorter than the request timeout).",
        ("RFC 9112 section 9.2", "RFC 9110 section 15.5.9", "RFC 9112 section 9.5"),
        client_needs=("idle limit", "retries"),
        server_needs=("idle limit",),
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
        "retry such a request once on a new connection: the server did not receive it.",
        "Keep idle connections longer than clients and load balancers in front do, and announce the limit "
        "(Keep-Alive: timeout=) or the close (Connection: close).",
        ("RFC 9112 section 9.5", "RFC 9112 section 9.3.1", "RFC 9110 section 9.2.2"),
        by_idleness=True,
        client_needs=("idle limit", "retries"),
        server_needs=("idle limit",),
    ),
    Cause(
        "stale-connection-reuse",
        "the client sent a request on a connection that the server had closed before",
        "The server's close had arrived, and the client's own kernel had acknowledged it, when the program "
        "sent its next request on that connection. The program did not check before it wrote.",
        "The request's own segment acknowledges the server's close, which came earlier than a program may "
        "be excused for not noticing (5 ms; proved from 50 ms on).",
        "A request that does not acknowledge the close: then both crossed on the wire "
        "(keepalive-idle-race). A close that came with the response, and a request soon after it: that "
        "close should have been announced (close-unannounced-after-response, server-max-requests-close).",
        "Before using a connection again, check whether it has become readable: if so, it is closed. Most "
        "HTTP libraries with a connection pool do this; Python's http.client does not. Retry the request on "
        "a new connection: the server did not receive it.",
        "Nothing to fix: closing an idle connection is allowed.",
        ("RFC 9112 section 9.5", "RFC 8446 section 6.1"),
        by_idleness=True,
        client_needs=("idle limit", "retries"),
    ),
    Cause(
        "close-mid-request",
        "the server had the request and closed the connection without a response",
        "The whole request had arrived at the server's end. The server then closed the connection in an "
        "orderly way, without a byte of response: a worker crashed, a limit was reached, a backend went "
        "away, or a timeout fired without a 504.",
        "The server acknowledged the last byte of the request at or before its close_notify or FIN, and "
        "sent no response.",
        "A close that acknowledges no byte of the request (keepalive-idle-race); a client that closed first.",
        "Retry the request only if its method is idempotent: the server may have acted on it.",
        "Find what ends the connection at these times; answer 503 or 504 before closing.",
        ("RFC 9112 section 9.5", "RFC 9110 section 15.6", "RFC 9110 section 9.2.2"),
        client_needs=("retries",),
        server_needs=("worker timeout",),
    ),
    Cause(
        "reset-mid-request",
        "the server had the request and the connection was reset without a response",
        "The whole request had arrived at the server's end. Instead of a response came a TCP reset: a killed "
        "worker, a close with unread data, a load balancer that drops the connection, a firewall.",
        "The server acknowledged the last byte of the request at or before the RST, no response byte came, "
        "and no close came before.",
        "A RST that only answers a request sent after an earlier close (keepalive-idle-race, "
        "stale-connection-reuse); a RST that does not look like the server's packets "
        "(middlebox-injected-reset).",
        "Retry the request only if its method is idempotent: the server may have acted on it.",
        "Find what resets the connection at these times; answer 503 instead, and close in stages.",
        ("RFC 9112 section 9.6", "RFC 9293 section 3.6.1", "RFC 9110 section 9.2.2"),
        client_needs=("retries",),
        server_needs=("worker timeout",),
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
        "Treat the message as incomplete; fetch the rest with a range request, or retry it if the method is "
        "idempotent.",
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
        "Compare the length received with Content-Length; fetch the rest with a range request, or retry the "
        "request if its method is idempotent.",
        "Look for the upstream that ended early, or a proxy's buffer or time limit; log it as an error.",
        ("RFC 9112 section 8", "RFC 9112 section 6.3", "RFC 8446 section 6.1"),
    ),
    Cause(
        "close-unannounced-after-response",
        "the server closed after a response that had not announced it",
        "The close came together with a complete response, or a few milliseconds behind it, and that "
        "response did not say 'Connection: close'. Under HTTP/1.1 the client had to take the connection for "
        "usable, and its next request was lost. Such closes often happen after certain paths, methods or "
        "statuses.",
        "The server's close follows a complete response at once, no message announced it, and it "
        "acknowledges nothing of the next request, which had left when it came.",
        "An announced close (connection-close-ignored); a pause that an idle timer could have measured "
        "(keepalive-idle-race); the same number of requests on each connection (server-max-requests-close).",
        "Retry such a request once on a new connection: the server did not receive it. Check whether it "
        "always happens after the same kind of response.",
        "Announce it: a response after which the connection will be closed carries 'Connection: close'.",
        ("RFC 9112 section 9.6", "RFC 9112 section 9.3"),
        client_needs=("retries",),
    ),
    Cause(
        "server-max-requests-close",
        "the server closes a connection after a fixed number of requests",
        "A limit of requests on one connection (nginx keepalive_requests, Apache MaxKeepAliveRequests). "
        "Announced with 'Connection: close' it hurts nobody. Here it was not, so that a request which had "
        "left in the meantime was lost.",
        "The server closed several connections with the response to the same request by number, more often "
        "than chance would have it, and no connection carried more.",
        "Closes after different numbers of requests; pauses before the closes that an idle timer could have "
        "measured.",
        "Open a new connection before that number is reached, or retry a lost request once: the server did "
        "not receive it.",
        "Announce the last response ('Connection: close'), and raise the limit.",
        ("RFC 9112 section 9.6", "RFC 9112 section 9.5"),
        client_needs=("retries",),
        server_needs=("requests per connection",),
    ),
    Cause(
        "server-max-age-close",
        "the server closes connections at a fixed age",
        "A limit of a connection's age (nginx keepalive_time, Envoy max_connection_duration, a load balancer "
        "that drains). It takes effect whatever the connection is doing, and a request that has just left is "
        "lost.",
        "The server closed at least three connections at the same age, which had been idle for different "
        "times.",
        "Connections that had been idle from the start: then age and idleness are the same "
        "(keepalive-idle-race).",
        "Open new connections before that age, or retry a lost request once: the server did not receive it.",
        "Announce the end on the last response before ('Connection: close'), or raise the limit.",
        ("RFC 9112 section 9.5", "RFC 9112 section 9.6"),
        client_needs=("retries",),
        server_needs=("connection age",),
    ),
    Cause(
        "server-reload-close",
        "the server closed many connections in one moment",
        "A reload, a restart or a deployment ends all idle connections at once. A request that had just "
        "left on one of them is lost.",
        "Two connections to one address or more were closed by the server within a tenth of a second, after "
        "different times of idleness: all that were open, or at least three and half of them.",
        "A single connection; equal idleness (an idle timeout); resets of connections with open requests "
        "(server-crash-mid-stream).",
        "Retry such a request once on a new connection: the server did not receive it.",
        "Drain: announce the close on each connection's next response, and leave idle ones open for as long "
        "as clients may use them.",
        ("RFC 9112 section 9.5", "RFC 9112 section 9.6"),
        client_needs=("retries",),
    ),
    Cause(
        "idle-close-by-reset",
        "the idle connection was ended by a reset instead of a close",
        "Whatever ended the idle connection sent a RST instead of close_notify and FIN. A request that met "
        "it was not received. A program that writes later sees a broken pipe, and no packet shows it.",
        "The first act of closing is a RST with ACK that acknowledges nothing of the request.",
        "A RST that does not look like the server's packets (lb-idle-reset, middlebox-injected-reset); one "
        "without ACK (half-open-connection); one that acknowledges the request (reset-mid-request).",
        "Keep idle connections for a shorter time than the other end does, and retry such a request once on "
        "a new connection: the server did not receive it.",
        "Close idle connections with close_notify and FIN (no SO_LINGER of zero).",
        ("RFC 9112 section 9.5", "RFC 9293 section 3.10.7"),
        second_capture="A capture at the server shows whether the reset left it.",
        by_idleness=True,
        client_needs=("idle limit", "retries"),
        server_needs=("idle limit",),
    ),
    Cause(
        "half-open-connection",
        "the other end had forgotten the connection",
        "The first packet after a pause was answered by a reset as for an unknown connection, and no close "
        "had come before: the server was restarted, its address moved to another machine, or a load balancer "
        "dropped its state and told nobody.",
        "A RST without ACK whose sequence number repeats the request's acknowledgment, no earlier close from "
        "the server, and a packet that looks like the server's others.",
        "A RST that does not look like the server's packets (nat-idle-reset); an earlier close "
        "(stale-connection-reuse, keepalive-idle-race); a capture that began later than the connection.",
        "Use TCP keepalives, and keep idle connections for a shorter time. Retry the request on a new "
        "connection: it was not received.",
        "Close connections before a restart or a failover; see what forgets them.",
        ("RFC 9293 section 3.5.1", "RFC 9293 section 3.5.2"),
        second_capture="A capture at the server shows whether it sent the reset, or never saw the request.",
        by_idleness=True,
        client_needs=("TCP keepalive", "idle limit"),
    ),
    Cause(
        "client-timeout-too-short",
        "the client gave up after a timeout of its own",
        "The client's side ended the connection while it waited for the response, after a round time or "
        "after the same time as before: a timeout of the program or its library, not an accident. If the "
        "response came afterwards, the server was only slow.",
        "The client's close comes first, the server had the request, and the silence before it lasted a "
        "usual round time (within 30 ms), or as long as that before another abort.",
        "A server or a gateway that ends the exchange at a constant time of its own; a request that never "
        "arrived.",
        "Allow more time than the slowest answer takes, or ask for the result in another way. Find which of "
        "connect, read and total timeout it was.",
        "See what takes so long; answer early, and send the body as it comes.",
        ("RFC 9112 section 9.5", "RFC 9110 section 15.5.9"),
        second_capture="Where no response came, a capture at the server shows whether it was still at work.",
        client_needs=("read timeout",),
    ),
    Cause(
        "early-response-reset",
        "the server answered before it had the request, and reset the connection",
        "The server refused the request from its head (413, 401, 403, 429, a redirect), closed with unread "
        "data, and its kernel sent a reset for that. The reset can destroy the response on its way to the "
        "program, which then reports a broken pipe, a reset or an SSL error, although the packets hold the "
        "status. Small bodies are not affected, large ones are.",
        "A response began before the request was complete, the server acknowledged a part of the request, "
        "and a reset from it came behind the response, before any close from the client.",
        "No byte of a response before the reset (reset-mid-request); a client that closed first; a reset "
        "that does not look like the server's packets.",
        "Read while writing, or send 'Expect: 100-continue' with large bodies; look at the packets for the "
        "status that the program missed.",
        "Close in stages: answer, stop sending, read on for a while, then close (nginx lingering_close).",
        ("RFC 9112 section 9.6", "RFC 9112 section 9.5", "RFC 9110 section 10.1.1"),
        server_needs=("lingering close", "body size limit"),
    ),
    Cause(
        "truncated-eof-delimited",
        "a body without a length may have been cut, and nothing in HTTP shows it",
        "The response has neither Content-Length nor chunks: it ends where the connection ends. Without a "
        "close_notify before the FIN, such a message is not complete, whoever ended it; practically all "
        "clients report success. Where a content coding (gzip and the like) ends in its middle, bytes are "
        "missing for certain.",
        "A body delimited by the close of the connection whose content coding ends in the middle; or, then "
        "only possible and not called a failure, one that ended with FIN and no close_notify inside TLS.",
        "A content coding that came to its end; a close_notify; a close by the client; a reset "
        "(reset-mid-response).",
        "Treat such a body as complete only after a close_notify; check digests or the format itself.",
        "Send Content-Length or chunks, and close_notify before FIN.",
        ("RFC 9112 section 9.8", "RFC 9112 section 8", "RFC 8446 section 6.1"),
    ),
    Cause(
        "close-without-close-notify",
        "the server ends connections without saying so in TLS",
        "The server sends FIN without a close_notify before it. All messages were complete, so nothing was "
        "lost here; but such an end cannot be told from a connection that was cut.",
        "FIN from the server's side on a decrypted connection without an alert before it, all exchanges "
        "complete.",
        "A client that closed first; records that could not be decrypted.",
        "Treat EOF without close_notify as an error when the response has no Content-Length.",
        "Send close_notify before FIN (SSL_shutdown).",
        ("RFC 8446 section 6.1", "RFC 9112 section 9.8"),
        failure=False,
        remark=True,
        unplayed="A remark: it stands beside other stories of the lab.",
    ),
    Cause(
        "keepalive-hint-ignored",
        "the client used a connection for longer than the server had promised to keep it",
        "The server had said in a Keep-Alive field how long it keeps idle connections. The client used one "
        "after that time, less a round trip. It did not cause the close, but it would have avoided the "
        "loss.",
        "A 'Keep-Alive: timeout=' in the response before, and a pause as long as that, less a round trip.",
        "No such field, or a shorter pause.",
        "Obey the field, with a second to spare.",
        "Keep connections a second longer than announced.",
        ("RFC 9112 section 9.3", "RFC 9112 section 9.5"),
        failure=False,
        remark=True,
        client_needs=("idle limit", "retries"),
        server_needs=("idle limit",),
    ),
    Cause(
        "pipelining-broken",
        "a second request was sent before the first was answered, and was lost",
        "Two requests were open on one HTTP/1.1 connection. The server answered the first and closed. "
        "HTTP/1.1 allows pipelining, and allows the server to close; in practice it works with few servers.",
        "The request left before the response to the one before it had begun, that one was answered, and the "
        "server closed without answering this one.",
        "A response that had begun (response-not-drained); a response that was complete "
        "(connection-close-ignored, or a race).",
        "Wait for each response, or use HTTP/2. See whether two threads share the connection.",
        "Answer what was pipelined, or announce the close first.",
        ("RFC 9112 section 9.3.2", "RFC 9112 section 9.6"),
    ),
    Cause(
        "server-crash-mid-stream",
        "the server's process ended in the middle of exchanges",
        "Connections with open exchanges were reset at one moment, and then the same address refused new "
        "ones: the process that served them was gone.",
        "A reset in an exchange, of two connections or more within 50 ms, followed by a refused connection "
        "within ten seconds (of one connection: within two).",
        "Closes by FIN of idle connections only (server-reload-close); no refusal afterwards "
        "(reset-mid-request).",
        "Retry what is idempotent, after a pause.",
        "Look for a crash, an out-of-memory kill, a restart without draining at this time.",
        ("RFC 9293 section 3.6.1", "RFC 9112 section 9.5"),
        second_capture="The server's own log of its processes tells more than a capture.",
        server_needs=("worker timeout",),
    ),
)
