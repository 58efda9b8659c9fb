"""What each finding means: the one place for its words, its advice and its references.

The rules decide whether a cause applies; ``plainwire explain`` prints these entries as they are.
RFC sections are cited, never quoted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One named cause.

    ``established`` and ``refuted`` say what must be seen, and what would show another cause;
    ``client`` and ``server`` are what each side can do about it.
    """

    code: str
    title: str
    meaning: str
    established: str
    refuted: str
    client: str
    server: str
    references: tuple[str, ...]


_LIST = (
    Cause(
        "capture-artifact",
        "the capture does not show enough to judge",
        "An exchange looks failed, but packets, bytes or keys are missing just there. What looks like a "
        "failure may be a hole in the capture, so nothing is concluded from it.",
        "Bytes that one side acknowledged are not in the capture, packets were cut by the snap length, the "
        "connection began before the capture, or records around the failure could not be decrypted.",
        "A capture of the same failure without the hole.",
        "Capture again with nothing lost: start before the program does, do not cut packets, and see that "
        "the kernel dropped none (plainwire run takes care of all three).",
        "",
        (),
    ),
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
        "middlebox-injected-reset",
        "something between client and server reset the connection",
        "A TCP reset in the server's name ended the connection, but the server's own stack did not send it: "
        "a firewall, a NAT that forgot the connection, an intrusion filter. The server may not know of it.",
        "The reset's TTL differs from that of the server's other packets, it came sooner than a round trip "
        "allows, or the server went on sending after it. Two of these make it likely, one possible.",
        "A reset like the server's other packets in all of this; a load balancer that answers from several "
        "machines (other TTLs on packets that carried authenticated data too).",
        "Find the box: capture nearer to the server, step by step, and see where the reset appears first. "
        "If it comes after idle time, keep idle connections shorter, or let TCP keepalives keep them alive.",
        "Capture at the server at the same time, to show that the reset never left it.",
        ("RFC 9293 section 3.10.7", "RFC 5961 section 3"),
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
    Cause(
        "stream-refused",
        "the server refused the stream without working on the request",
        "HTTP/2 and HTTP/3 let a server send a request back untouched: RST_STREAM with REFUSED_STREAM, or "
        "H3_REQUEST_REJECTED. Mostly the client had more streams open than the server allows, or the server "
        "was about to close or overloaded. Some client libraries repeat such a request by themselves, others "
        "report an error that does not name it.",
        "The server's frame with that code, decrypted, for the stream of the request.",
        "Any other code: it does not say that the request was left alone (stream-reset).",
        "Repeat the request, whatever its method, after a pause if many are refused. Keep within the "
        "server's SETTINGS_MAX_CONCURRENT_STREAMS.",
        "Allow as many streams as clients need; close with GOAWAY rather than refuse stream by stream.",
        ("RFC 9113 section 8.7", "RFC 9113 section 5.1.2", "RFC 9114 section 4.1.1"),
    ),
    Cause(
        "goaway-race",
        "the request was sent while the server's GOAWAY was on its way",
        "The server ends a connection in order with GOAWAY, which names the last stream that it works on. "
        "The client opened another one before it knew. Nothing was done with that request: the client must "
        "send it again on a new connection, and some libraries do not.",
        "A GOAWAY without an error, decrypted, whose last stream is lower than that of the request.",
        "A GOAWAY that counts the stream in (goaway-not-answered).",
        "Repeat the request on a new connection, whatever its method. Use a client that does so by itself.",
        "Announce the end early: a first GOAWAY with the highest stream number, and the real one a round "
        "trip later. Raise the limit of requests on one connection.",
        ("RFC 9113 section 6.8", "RFC 9113 section 8.7", "RFC 9114 section 5.2"),
    ),
    Cause(
        "goaway-error",
        "the server ended the connection with a GOAWAY that names an error",
        "The server accuses the client of having broken the protocol or a limit (PROTOCOL_ERROR, "
        "COMPRESSION_ERROR, ENHANCE_YOUR_CALM for too many PINGs or resets), or says that it failed itself. "
        "All open streams ended with it. Whether the accusation is true is not judged here.",
        "A GOAWAY with an error code, decrypted, and streams without an answer.",
        "A GOAWAY with NO_ERROR.",
        "Look what the frames before it did: PINGs a minute, streams cancelled, header fields. Streams above "
        "the GOAWAY's last stream were not worked on.",
        "Log which limit was reached; see whether it is too tight for this client.",
        ("RFC 9113 section 6.8", "RFC 9113 section 7", "RFC 9113 section 10.5"),
    ),
    Cause(
        "stream-reset",
        "the server reset the stream",
        "The server gave one stream up while the connection went on. INTERNAL_ERROR or CANCEL is often what "
        "a proxy makes of an upstream that failed or hung up.",
        "RST_STREAM or RESET_STREAM from the server, decrypted, before its response was complete.",
        "A complete response (a reset without an error may follow it); a client that gave up first; a code "
        "that says the request was left alone (stream-refused).",
        "Repeat the request only if its method is idempotent. After HTTP_1_1_REQUIRED, use HTTP/1.1.",
        "Look for the upstream that failed at this time; answer with 502 or 504 while no response has begun.",
        ("RFC 9113 section 6.4", "RFC 9113 section 7", "RFC 9114 section 8.1"),
    ),
    Cause(
        "goaway-not-answered",
        "the server had announced that it would still answer, and closed without",
        "The server's GOAWAY counted the stream among those that it works on. Then it closed the connection "
        "before the answer was complete.",
        "A GOAWAY without an error whose last stream is not lower, and then the server's close.",
        "A GOAWAY that leaves the stream out (goaway-race); a client that closed first.",
        "Repeat the request only if its method is idempotent: the server may have acted on it.",
        "Wait for open streams after GOAWAY before closing: raise the time that a shutdown may take.",
        ("RFC 9113 section 6.8", "RFC 9114 section 5.2"),
    ),
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
    Cause(
        "close-without-goaway",
        "the server closed a connection with open streams, without GOAWAY",
        "HTTP/2 servers should say with GOAWAY which streams they have worked on before they close. Here the "
        "connection just ended, so that the client cannot know which requests were executed: a killed "
        "worker, a load balancer's timeout, a crash.",
        "A close or reset from the server's side while the stream was open, and no GOAWAY before it.",
        "A GOAWAY before; a client that closed first; a RST with foreign marks (middlebox-injected-reset).",
        "Repeat the request only if its method is idempotent, or if the server had received nothing of it. "
        "PING idle connections to learn of their end early.",
        "Send GOAWAY before closing; see what ends connections at these times.",
        ("RFC 9113 section 6.8", "RFC 9113 section 5.4.1"),
    ),
    Cause(
        "stream-cancelled",
        "the client gave the stream up",
        "The client's side reset one stream while the connection went on: a timeout of its own, a cancelled "
        "call, a page that was left. A code that names an error accuses the server's response.",
        "RST_STREAM (in QUIC RESET_STREAM or STOP_SENDING) from the client, decrypted, before the response "
        "was complete.",
        "A frame of the server's that came first.",
        "Find what cancelled it: a timeout that is too short for this server, a cancellation.",
        "Look at the time that the server took: the client may have had reason to give up.",
        ("RFC 9113 section 6.4", "RFC 9113 section 8.7", "RFC 9114 section 4.1.1"),
    ),
    Cause(
        "hidden-retry",
        "a failed request was sent again, and answered",
        "After a failed exchange the same request (method, target and body) was sent on another connection "
        "and answered. Where the program reported no error, its library hid the failure: the true failure "
        "rate is higher than the program knows, and a request that is not idempotent may have been executed "
        "twice.",
        "The same request on another connection soon after the failure, sooner than this traffic repeats it "
        "otherwise.",
        "A program that sends this request again and again by itself.",
        "Count attempts, not calls. Let only idempotent requests be repeated, or requests that the server "
        "provably did not receive; give others an idempotency key.",
        "",
        ("RFC 9110 section 9.2.2", "RFC 9112 section 9.3.1"),
    ),
    Cause(
        "unexplained",
        "the exchange failed and none of the known causes fits",
        "The packets show a failure, but every known cause is refuted or lacks its evidence. The facts are "
        "listed as they are; nobody is accused.",
        "An exchange without a complete response, fully captured, for which no rule holds.",
        "A second capture, taken at the server or on its side of a NAT or load balancer.",
        "Capture at the server's side at the same time, and compare which packets left and which arrived.",
        "",
        (),
    ),
)

CAUSES: dict[str, Cause] = {cause.code: cause for cause in _LIST}
"""Every code that a finding can bear, in the order in which the procedure tries them."""
