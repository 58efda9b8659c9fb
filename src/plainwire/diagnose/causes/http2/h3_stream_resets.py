"""Words of h3-stream-reset-...: what HTTP/3's error codes mean in RESET_STREAM (RFC 9114 section 8.1)."""

from plainwire.diagnose.causes.cause import Meaning
from plainwire.diagnose.causes.family import Family, Member

_IF_IDEMPOTENT = "Retry the request if its method is idempotent."
_FOR_CONNECTIONS = ". The code is meant for connections, not for streams"


def _of_connections(name: str, server: str, client: str) -> Member:
    """A code by which a side should end the connection: what it holds against the other, by sender."""
    advice = "Update the HTTP/3 library, and report the frames just before the reset."
    own = "Log which rule was broken; end the connection with this code, not a stream."
    return Member(
        name,
        Meaning(server + _FOR_CONNECTIONS, "unknown", advice, own),
        Meaning(client + _FOR_CONNECTIONS, "unknown", own, advice),
    )


H3_STREAM_RESET = Family(
    stem="h3-stream-reset",
    title="the server reset the stream ({name})",
    meaning="One side gave one stream up, and the connection went on. The error code says why. Where the "
    "client sends it, plainwire reports the cause client-abort.",
    established="RESET_STREAM or STOP_SENDING from the server, decrypted, before its response was complete.",
    refuted="A complete response (a reset without an error may follow it); a client that gave up first.",
    references=("RFC 9114 section 4.1.1", "RFC 9114 section 8.1", "RFC 9000 section 19.4"),
    elsewhere={"H3_REQUEST_REJECTED": "h3-goaway-or-rejected"},
    made_by="causes/http2/h2_stream_reset.py",
    prefix="H3_",
    members=(
        Member(
            "H3_NO_ERROR",
            Meaning(
                "it needs no more of the request. After a complete response that is allowed; here the "
                "response was not complete",
                "server",
                _IF_IDEMPOTENT,
                "Finish the response before you reset its stream with H3_NO_ERROR (RFC 9114 section 4.1).",
            ),
            Meaning(
                "it wants no more of the response, and nothing was wrong with it",
                "client",
                "If the program did not mean to stop, find what closed the response early.",
                "Nothing to fix on the server.",
            ),
        ),
        Member(
            "H3_GENERAL_PROTOCOL_ERROR",
            Meaning(
                "the client broke the rules of HTTP/3, and no other code says how",
                "unknown",
                "Look at the request's frames and header fields; update the HTTP/3 library.",
                "Log which rule was broken, or use the code that names it.",
            ),
            Meaning(
                "the server broke the rules of HTTP/3, and no other code says how",
                "unknown",
                "Turn on the library's debug log: it knows which rule was broken.",
                "Look at the response's frames and header fields; update the HTTP/3 library.",
            ),
        ),
        Member(
            "H3_INTERNAL_ERROR",
            Meaning(
                "it could not go on, for a reason of its own. From a proxy it mostly means that the "
                "upstream failed, hung up or was too slow",
                "server",
                _IF_IDEMPOTENT,
                "Look in the log at this time: an exception in the handler, an upstream that closed, a read "
                "timeout. Answer with 502 or 504 while no response has begun.",
            ),
            Meaning(
                "it could not go on, for a reason of its own",
                "client",
                "Look for an exception in the code that reads the response.",
                "Nothing to fix on the server.",
            ),
        ),
        _of_connections(
            "H3_STREAM_CREATION_ERROR",
            "the client opened a stream that it may not open",
            "the server opened a stream that it may not open",
        ),
        _of_connections(
            "H3_CLOSED_CRITICAL_STREAM",
            "the client closed a stream that must stay open (control, QPACK)",
            "the server closed a stream that must stay open (control, QPACK)",
        ),
        Member(
            "H3_FRAME_UNEXPECTED",
            Meaning(
                "the client sent a frame where it is not allowed: DATA ahead of HEADERS, or HEADERS after "
                "the trailers",
                "unknown",
                "Look at the order of the request's frames; update the HTTP/3 library.",
                "Log which frame it was.",
            ),
            Meaning(
                "the server sent a frame where it is not allowed: DATA ahead of HEADERS, or HEADERS after "
                "the trailers",
                "unknown",
                "Log which frame it was.",
                "Look at the order of the response's frames; update the HTTP/3 library.",
            ),
        ),
        Member(
            "H3_FRAME_ERROR",
            Meaning(
                "a frame of the client's has a wrong layout or length",
                "unknown",
                "Update the HTTP/3 library, and report the frame.",
                "Log which frame it was.",
            ),
            Meaning(
                "a frame of the server's has a wrong layout or length",
                "unknown",
                "Log which frame it was.",
                "Update the HTTP/3 library, and report the frame.",
            ),
        ),
        Member(
            "H3_EXCESSIVE_LOAD",
            Meaning(
                "the client asks for too much: too many requests, cancelled streams, or header fields",
                "unknown",
                "Send less, or more slowly: fewer requests at a time, fewer cancelled streams.",
                "Log which limit was reached, and check that it leaves room for this client.",
            ),
            Meaning(
                "the server sends too much",
                "unknown",
                "Log which limit was reached.",
                "Find what the server sent so often before it.",
            ),
        ),
        _of_connections(
            "H3_ID_ERROR",
            "the client used a stream or push id wrongly: reused, too high, or lowered",
            "the server used a stream or push id wrongly: reused, too high, or raised in a later GOAWAY",
        ),
        _of_connections(
            "H3_SETTINGS_ERROR",
            "the client's SETTINGS are wrong",
            "the server's SETTINGS are wrong",
        ),
        _of_connections(
            "H3_MISSING_SETTINGS",
            "the client's control stream did not begin with SETTINGS",
            "the server's control stream did not begin with SETTINGS",
        ),
        Member(
            "H3_REQUEST_CANCELLED",
            Meaning(
                "the stream is no longer needed: mostly a proxy whose own timeout fired, or whose upstream "
                "hung up. The server may have worked on the request",
                "server",
                _IF_IDEMPOTENT,
                "Find which timeout or which upstream ended the stream at this time.",
            ),
            Meaning(
                "the response is no longer needed: a timeout fired, or the program closed the response or "
                "cancelled the task",
                "client",
                "If the program did not mean to stop, find the timeout or the task that was cancelled.",
                "Nothing to fix on the server unless the client had waited long: then find what made it "
                "wait.",
            ),
        ),
        Member(
            "H3_REQUEST_INCOMPLETE",
            Meaning(
                "the client's stream ended ahead of a complete request",
                "unknown",
                "Find what ended the request body early.",
                "Answer with status 400 where the request's head has come.",
            ),
            Meaning(
                "the client gives its own request up before it is complete",
                "client",
                "Find what ended the request body early.",
                "Nothing to fix on the server.",
            ),
        ),
        Member(
            "H3_MESSAGE_ERROR",
            Meaning(
                "the request contradicts itself or has forbidden header fields: a field name in upper case, "
                "a wrong pseudo-header, a content-length that its data contradict",
                "unknown",
                "Compare the request with RFC 9114 sections 4.1.2 and 4.2.",
                "Log which field it was; status 400 would tell the client more.",
            ),
            Meaning(
                "the response contradicts itself or has forbidden header fields: a field name in upper "
                "case, a content-length that its data contradict",
                "unknown",
                "Turn on the library's debug log: it knows which field it was.",
                "Compare the response with RFC 9114 sections 4.1.2 and 4.2.",
            ),
        ),
        Member(
            "H3_CONNECT_ERROR",
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
            "H3_VERSION_FALLBACK",
            Meaning(
                "this resource is not served over HTTP/3",
                "unknown",
                "Send the request over HTTP/1.1.",
                "Do not announce HTTP/3 (Alt-Svc) for resources that need HTTP/1.1.",
            ),
            Meaning(
                "it wants another version of HTTP",
                "unknown",
                "Do not offer h3 if only an older version will do.",
                "Nothing to fix on the server.",
            ),
        ),
        Member(
            "H3_DATAGRAM_ERROR",
            Meaning(
                "the client sent a datagram or capsule that is wrong or not allowed (RFC 9297)",
                "unknown",
                "Look at the capsules that the client sent; update the HTTP/3 library.",
                "Log which capsule it was.",
            ),
            Meaning(
                "the server sent a datagram or capsule that is wrong or not allowed (RFC 9297)",
                "unknown",
                "Log which capsule it was.",
                "Look at the capsules that the server sent; update the HTTP/3 library.",
            ),
        ),
        _of_connections(
            "QPACK_DECOMPRESSION_FAILED",
            "it cannot decode the client's header fields (QPACK)",
            "it cannot decode the server's header fields (QPACK)",
        ),
        _of_connections(
            "QPACK_ENCODER_STREAM_ERROR",
            "it cannot read the client's QPACK encoder stream",
            "it cannot read the server's QPACK encoder stream",
        ),
        _of_connections(
            "QPACK_DECODER_STREAM_ERROR",
            "it cannot read the client's QPACK decoder stream",
            "it cannot read the server's QPACK decoder stream",
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
