"""Family F: HTTP/2."""

from plainwire.diagnose.causes.cause import Cause

from .goaway_errors import GOAWAY_ERROR
from .h3_stream_resets import H3_STREAM_RESET
from .stream_resets import H2_STREAM_RESET

CAUSES: tuple[Cause, ...] = (
    Cause(
        "h2-stream-refused",
        "the server refused the stream without working on the request",
        "HTTP/2 and HTTP/3 let a server send a request back untouched: RST_STREAM with REFUSED_STREAM, or "
        "H3_REQUEST_REJECTED. Mostly the client had more streams open than the server allows, or the server "
        "was about to close or overloaded. Some client libraries retry such a request by themselves, others "
        "report an error that does not name it.",
        "The server's frame with that code, decrypted, for the stream of the request.",
        "Any other code: it does not say that the request was left alone (h2-stream-reset).",
        "Retry the request, whatever its method, after a pause if many are refused. Keep within the server's "
        "SETTINGS_MAX_CONCURRENT_STREAMS.",
        "Allow as many streams as clients need; close with GOAWAY rather than refuse stream by stream.",
        ("RFC 9113 section 8.7", "RFC 9113 section 5.1.2", "RFC 9114 section 4.1.1"),
        server_needs=("concurrent streams",),
    ),
    Cause(
        "goaway-race",
        "the request was sent before the client knew of the server's GOAWAY",
        "The server ends a connection in order with GOAWAY, which names the last stream that it works on. "
        "The client opened another one before it had read that, or while it was on its way. Nothing was done "
        "with that request: the client must send it again on a new connection, and some libraries do not.",
        "A GOAWAY without an error, decrypted, whose last stream is lower than that of the request.",
        "A GOAWAY that counts the stream in (goaway-accepted-not-answered).",
        "Retry the request on a new connection, whatever its method. Use a client that does so by itself.",
        "Announce the end early: a first GOAWAY with the highest stream number, and the real one a round "
        "trip later. Raise the limit of requests on one connection.",
        ("RFC 9113 section 6.8", "RFC 9113 section 8.7", "RFC 9114 section 5.2"),
        client_needs=("retries",),
        server_needs=("requests per connection",),
    ),
    *GOAWAY_ERROR.causes(),
    *H2_STREAM_RESET.causes(),
    *H3_STREAM_RESET.causes(),
    Cause(
        "goaway-accepted-not-answered",
        "the server had announced that it would still answer, and closed without",
        "The server's GOAWAY counted the stream among those that it works on. Then it closed the connection "
        "before the response was complete.",
        "A GOAWAY without an error whose last stream is not lower, and then the server's close.",
        "A GOAWAY that leaves the stream out (goaway-race); a client that closed first.",
        "Retry the request only if its method is idempotent: the server may have acted on it.",
        "Wait for open streams after GOAWAY before closing: raise the time that a shutdown may take.",
        ("RFC 9113 section 6.8", "RFC 9114 section 5.2"),
    ),
    Cause(
        "h2-not-spoken",
        "the client began HTTP/2, and the server did not",
        "Each side of HTTP/2 begins with a SETTINGS frame. Here the client sent its own, and no frame came "
        "back: the server answered in another protocol, closed, or said nothing at all. Often it is a wrong "
        "port, or one that speaks HTTP/1 only or wants TLS; or a load balancer took the connection and has "
        'no server behind it. gRPC clients report "Socket closed", "error reading server preface", or a '
        "deadline.",
        "The client's SETTINGS, acknowledged by TCP; no frame from the server; what came instead, its close, "
        "or its silence until the client gave up.",
        "Any frame of the server: then it speaks HTTP/2. A client that leaves at once: a health check.",
        "Check address, port, and whether TLS is to be used there. Give connecting a time limit of its own.",
        "Have this port speak HTTP/2, or choose no h2 in the handshake (ALPN). A load balancer should refuse "
        "connections while nothing is behind it.",
        ("RFC 9113 section 3.4", "RFC 9113 section 3.3"),
        unplayed="The lab's servers all begin HTTP/2; docs/reports-http2-and-streams.md has the plays.",
    ),
    Cause(
        "h2-close-without-goaway",
        "the server closed a connection with open streams, without GOAWAY",
        "HTTP/2 servers should say with GOAWAY which streams they have worked on before they close. Here "
        "the connection just ended, so that the client cannot know which requests were executed: a killed "
        "worker, a load balancer's timeout, a crash.",
        "A close or reset from the server's side while the stream was open, and no GOAWAY before it.",
        "A GOAWAY before; a client that closed first; a RST with foreign marks (middlebox-injected-reset).",
        "Retry the request only if its method is idempotent, or if the server had received nothing of it. "
        "PING idle connections to learn of their end early.",
        "Send GOAWAY before closing; see what ends connections at these times.",
        ("RFC 9113 section 6.8", "RFC 9113 section 5.4.1"),
    ),
    Cause(
        "h2-malformed-response",
        "the response is malformed",
        "The stream ended (END_STREAM) after more or fewer bytes than the response's content-length had "
        "announced, or the header section has what HTTP/2 forbids (upper-case names, CR or LF in a value, "
        "Connection or Transfer-Encoding, no :status). Most clients reset the stream with PROTOCOL_ERROR "
        "and report that, some hand out a short body as if it were whole.",
        "The response's content-length, and the sizes of all its DATA frames up to END_STREAM; or the field "
        "or frame that breaks the rule, and the client's error code behind it.",
        "A response to HEAD, or with 204 or 304; frames that the capture lacks.",
        "Retry the request if its method is idempotent; compare lengths, as not every library does.",
        "Look for what changes bodies behind the length: compression, an upstream that was cut, a multibyte "
        "length.",
        ("RFC 9113 section 8.1.1", "RFC 9110 section 8.6"),
    ),
    Cause(
        "h2-flow-control-stall",
        "a sender waited for a window that was never opened again",
        "HTTP/2 lets each receiver say how much it takes (WINDOW_UPDATE). The sender had used that up and "
        "the receiver gave no more, so that the stream stood still until somebody gave up. Downloads that "
        "stop at 65,535 bytes are the classic.",
        "The windows, counted from all DATA, SETTINGS and WINDOW_UPDATE frames: zero, a stream that has not "
        "ended, and no WINDOW_UPDATE to the end.",
        "A window that was open: then the sender had nothing to send; frames that the capture lacks.",
        "If the client withheld it: read response bodies to their end, or cancel them; one unread body can "
        "block all streams of the connection.",
        "If the server withheld it: read request bodies while answering.",
        ("RFC 9113 section 5.2", "RFC 9113 section 6.9"),
        unplayed="The lab's HTTP/2 stack gives windows by itself; the test writes the frames.",
    ),
    Cause(
        "h2-dead-connection",
        "the connection was dead, and requests kept going into it",
        "From some moment on no packet came from the server, while the client sent the same segments again "
        "and again. HTTP/2 clients put all requests onto one connection, so that all of them wait until "
        "somebody notices, which can take a quarter of an hour.",
        "The request was sent more than once, and nothing at all came back, not even an acknowledgment; or "
        "a PING "
        "of the client's, behind which nothing more came from the server, and the client gave up for that.",
        "An answer to the PING; without one, an acknowledgment after the request: then the host is there "
        "and the "
        "server is slow.",
        "Send PING when a connection has been silent (10 to 30 s), and open a new one where no response "
        "comes.",
        "Close connections before a load balancer or a NAT forgets them.",
        ("RFC 9113 section 6.7", "RFC 9293 section 3.8.3"),
        second_capture="One at the server's side at the same time: whether the packets arrive there says "
        "which half of the path lost them.",
    ),
    Cause(
        "h2-concurrency-queue",
        "the request waited for a free stream",
        "A server allows so many streams at a time (SETTINGS_MAX_CONCURRENT_STREAMS). With all in use a "
        "client holds further requests back, so that they leave late and no packet says why.",
        "Again and again a request leaves within 5 ms of the end of another, where as many streams had been "
        "open as the server allows. The packets alone do not show when the program asked.",
        "Fewer or more open streams than allowed; a program that never asks for more at a time.",
        "Allow more connections, or end long streams.",
        "Raise SETTINGS_MAX_CONCURRENT_STREAMS.",
        ("RFC 9113 section 5.1.2",),
        failure=False,
        second_capture="The program's log with the time of each call.",
        remark=True,
        unplayed="A remark, about what a client holds back: the test writes the frames.",
        server_needs=("concurrent streams",),
    ),
    Cause(
        "h2-tcp-hol-blocking",
        "one lost packet held up every stream",
        "TCP delivers in order: what was received behind a lost segment waits for its retransmission, "
        "whichever stream it belongs to.",
        "A hole in the server's bytes that is filled 150 ms later or more, and at least two streams with "
        "bytes from behind it, of which one has none in it.",
        "Streams that went on meanwhile.",
        "Where paths lose packets, use several connections or HTTP/3.",
        "Offer HTTP/3.",
        ("RFC 9114 section 2",),
        failure=False,
        second_capture="One at the sender: whether the segment left it when it should have.",
    ),
    Cause(
        "h2-header-compression-desync",
        "header compression fell out of step",
        "Both ends keep a table of header fields (HPACK). Where one of them misses a block, all later "
        "headers of the connection are wrong, and the connection ends with COMPRESSION_ERROR.",
        "GOAWAY with COMPRESSION_ERROR, and header blocks that decode here without an error (the accusation "
        "is false) or do not (it is true).",
        "A capture that began after the connection did, or has a hole: its tables cannot be known.",
        "Open a new connection; report which side's blocks are wrong.",
        "Update the server's HTTP/2 library, or the proxy in front of it: what rewrites frames is the usual "
        "cause.",
        ("RFC 7541 section 2.3", "RFC 9113 section 4.3"),
        second_capture="One on the other side of a proxy in between, with its secrets.",
        made_by="causes/http2/goaway_error.py",
        unplayed="No HTTP/2 library of today loses its table; the test writes the frames.",
    ),
    Cause(
        "h2-settings-timeout",
        "SETTINGS were never acknowledged",
        "Each side must acknowledge the other's SETTINGS. Where that does not come the other may end the "
        "connection with SETTINGS_TIMEOUT.",
        "GOAWAY with SETTINGS_TIMEOUT, and no SETTINGS with the ACK flag from its peer before it.",
        "The acknowledgment is in the capture: then it came too late, or was lost behind the point of "
        "capture.",
        "Read and answer frames while uploading.",
        "Allow more time.",
        ("RFC 9113 section 6.5.3",),
        second_capture="One at the side that complained: whether the acknowledgment reached it.",
        made_by="causes/http2/goaway_error.py",
        unplayed="No HTTP/2 library of today forgets the acknowledgment; the test writes the frames.",
    ),
)
