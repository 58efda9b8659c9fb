"""Words of h2-stream-reset-...: what each error code of HTTP/2 means in RST_STREAM (RFC 9113 section 7)."""

from plainwire.diagnose.causes.cause import Meaning
from plainwire.diagnose.causes.family import Family, Member

_IF_IDEMPOTENT = "Retry the request if its method is idempotent."
_GAVE_UP = "Nothing to fix on the server unless the client had waited long: then find what made it wait."

H2_STREAM_RESET = Family(
    stem="h2-stream-reset",
    title="the server reset the stream ({name})",
    meaning="One side gave one stream up, and the connection went on. The error code says why. Where the "
    "client sends it, plainwire reports the cause client-abort.",
    established="RST_STREAM from the server, decrypted, before its response was complete.",
    refuted="A complete response (a reset without an error may follow it); a client that gave up first.",
    references=("RFC 9113 section 6.4", "RFC 9113 section 7"),
    elsewhere={"REFUSED_STREAM": "h2-stream-refused"},
    members=(
        Member(
            "NO_ERROR",
            Meaning(
                "it needs no more of the request. After a complete response that is allowed; here the "
                "response was not complete",
                "server",
                _IF_IDEMPOTENT,
                "Finish the response before you reset its stream with NO_ERROR (RFC 9113 section 8.1).",
            ),
            Meaning(
                "it wants no more of the response, and nothing was wrong with it",
                "client",
                "If the program did not mean to stop, find what closed the response early.",
                "Nothing to fix on the server.",
            ),
        ),
        Member(
            "PROTOCOL_ERROR",
            Meaning(
                "the client broke the rules of HTTP/2, mostly in this request: a header field that HTTP/2 "
                "forbids (Connection, Transfer-Encoding, TE), a wrong pseudo-header, or a content-length "
                "that its data contradict. Proxies send it also for a response of their upstream that they "
                "cannot pass on",
                "unknown",
                "Compare the request with RFC 9113 section 8.2; leave out header fields one by one, or try "
                "HTTP/1.1, to see which one matters.",
                "Log which rule was broken. If the request is good, look at the response of the upstream.",
            ),
            Meaning(
                "the server broke the rules of HTTP/2, mostly in this response: a header field that HTTP/2 "
                "forbids or spells differently, or a content-length that its data contradict",
                "unknown",
                "Turn on the library's debug log: it knows which rule was broken.",
                "Compare the response's header fields and its content-length with RFC 9113 section 8.",
            ),
        ),
        Member(
            "INTERNAL_ERROR",
            Meaning(
                "it could not go on, for a reason of its own. From a proxy it mostly means that the "
                "upstream failed, hung up or was too slow",
                "server",
                _IF_IDEMPOTENT,
                "Look in the log at this time: an exception in the handler, an upstream that closed, a read "
                "timeout of the proxy. Answer with 502 or 504 while no response has begun.",
            ),
            Meaning(
                "it could not go on, for a reason of its own",
                "client",
                "Look for an exception in the code that reads the response.",
                "Nothing to fix on the server.",
            ),
        ),
        Member(
            "FLOW_CONTROL_ERROR",
            Meaning(
                "the client sent more than the flow-control window allowed",
                "unknown",
                "Update the HTTP/2 library: it counts the window wrongly.",
                "Check whether the server lowered SETTINGS_INITIAL_WINDOW_SIZE and applied it before the "
                "client had acknowledged it.",
            ),
            Meaning(
                "the server sent more than the flow-control window allowed",
                "unknown",
                "Check whether the client lowered SETTINGS_INITIAL_WINDOW_SIZE while data were on their way.",
                "Update the HTTP/2 library or proxy: it counts the window wrongly.",
            ),
        ),
        Member(
            "SETTINGS_TIMEOUT",
            Meaning(
                "the client did not acknowledge its SETTINGS in time. The code is meant for connections, "
                "not for streams",
                "server",
                "Keep reading frames while you upload.",
                "Allow more time for the acknowledgment; send GOAWAY rather than RST_STREAM.",
            ),
            Meaning(
                "the server did not acknowledge its SETTINGS in time. The code is meant for connections, "
                "not for streams",
                "client",
                "Allow more time for the acknowledgment.",
                "Acknowledge SETTINGS at once, whatever the handlers are doing.",
            ),
        ),
        Member(
            "STREAM_CLOSED",
            Meaning(
                "the client sent frames on a stream that was already closed: data after END_STREAM, or "
                "after the server had reset it",
                "unknown",
                "Stop sending a body once its stream has ended or was reset.",
                "Read and drop the frames that were on their way when the stream ended.",
            ),
            Meaning(
                "the server sent frames on a stream that was already closed",
                "unknown",
                "Read and drop the frames that were on their way when the stream was cancelled.",
                "Send nothing after END_STREAM, or after the client has reset the stream.",
            ),
        ),
        Member(
            "FRAME_SIZE_ERROR",
            Meaning(
                "a frame of the client's was longer than the server allows, or of a wrong length",
                "unknown",
                "Keep frames within the server's SETTINGS_MAX_FRAME_SIZE (16,384 bytes unless it says more).",
                "Check which frame it was; a proxy in between may have joined frames.",
            ),
            Meaning(
                "a frame of the server's was longer than the client allows, or of a wrong length",
                "unknown",
                "Nothing to fix on the client if its SETTINGS_MAX_FRAME_SIZE is smaller than that frame.",
                "Keep frames within the client's SETTINGS_MAX_FRAME_SIZE (16,384 bytes unless it says more).",
            ),
        ),
        Member(
            "CANCEL",
            Meaning(
                "the stream is no longer needed. From a server this is mostly a proxy whose own timeout "
                "fired, or whose upstream hung up in the middle of its response",
                "server",
                _IF_IDEMPOTENT,
                "Find which timeout or which upstream ended the stream at this time.",
            ),
            Meaning(
                "the response is no longer needed: a timeout fired, or the program closed the response or "
                "cancelled the task",
                "client",
                "If the program did not mean to stop, find the timeout or the task that was cancelled.",
                _GAVE_UP,
            ),
        ),
        Member(
            "COMPRESSION_ERROR",
            Meaning(
                "it cannot decode the client's header blocks (HPACK). The code is meant for connections: no "
                "later request can be decoded either",
                "unknown",
                "Open a new connection. Report it to the library, or to the proxy that rewrites header "
                "blocks.",
                "Close the connection with GOAWAY: its header table can no longer be trusted.",
            ),
            Meaning(
                "it cannot decode the server's header blocks (HPACK)",
                "unknown",
                "Close the connection and open a new one: its header table can no longer be trusted.",
                "Report it to the server's HTTP/2 library, or to the proxy that rewrites header blocks.",
            ),
        ),
        Member(
            "CONNECT_ERROR",
            Meaning(
                "the connection that this CONNECT request asked for was reset or lost",
                "server",
                "Open the tunnel again. Find out why its far end went away.",
                "Log what ended the connection to the far end.",
            ),
            Meaning(
                "the client's end of the tunnel was reset or lost",
                "client",
                "Find out what ended the connection that goes through the tunnel.",
                "Nothing to fix on the server.",
            ),
        ),
        Member(
            "ENHANCE_YOUR_CALM",
            Meaning(
                "the client asks for too much: too many requests, streams cancelled in a row, PINGs, or "
                "header fields",
                "unknown",
                "Send less, or more slowly: fewer requests at a time, fewer cancelled streams, fewer PINGs.",
                "Log which limit was reached, and check that it leaves room for this client.",
            ),
            Meaning(
                "the server sends too much: PINGs, SETTINGS, or pushed streams",
                "unknown",
                "Log which limit was reached.",
                "Send fewer PINGs and SETTINGS; do not push.",
            ),
        ),
        Member(
            "INADEQUATE_SECURITY",
            Meaning(
                "the connection's TLS is too weak for HTTP/2 (RFC 9113 section 9.2)",
                "unknown",
                "Offer TLS 1.2 or later with an AEAD cipher suite.",
                "Prefer cipher suites that HTTP/2 allows, or do not offer h2 for the others.",
            ),
            Meaning(
                "the connection's TLS is too weak for HTTP/2 (RFC 9113 section 9.2)",
                "unknown",
                "Offer only cipher suites that HTTP/2 allows.",
                "Prefer TLS 1.2 or later with an AEAD cipher suite.",
            ),
        ),
        Member(
            "HTTP_1_1_REQUIRED",
            Meaning(
                "this resource is served over HTTP/1.1 only: mostly because it asks for a client "
                "certificate, or for NTLM",
                "unknown",
                "Send the request over HTTP/1.1.",
                "Do not offer h2 (ALPN) on addresses whose resources need HTTP/1.1.",
            ),
            Meaning(
                "it wants HTTP/1.1. From a client that makes no sense",
                "unknown",
                "Do not offer h2 (ALPN) if only HTTP/1.1 will do.",
                "Nothing to fix on the server.",
            ),
        ),
    ),
    other=Member(
        "an unregistered error code",
        Meaning(
            "something that no registered error code says",
            "unknown",
            _IF_IDEMPOTENT,
            "Look up in the server's or the proxy's source what this error code stands for.",
        ),
        Meaning(
            "something that no registered error code says",
            "unknown",
            "Look up in the library's source what this error code stands for.",
            "Nothing to fix on the server until that is known.",
        ),
    ),
)
