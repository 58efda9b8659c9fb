"""Family F: HTTP/2."""

from .cause import Cause

CAUSES: tuple[Cause, ...] = (
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
)
