"""Words of goaway-error-...: what each error code of HTTP/2 means in GOAWAY (RFC 9113 sections 6.8 and 7)."""

from plainwire.diagnose.causes.cause import Meaning
from plainwire.diagnose.causes.family import Family, Member

_NOT_WORKED_ON = " Retry the requests above the GOAWAY's last stream: the server did not work on them."

GOAWAY_ERROR = Family(
    stem="goaway-error",
    title="the server ended the connection with GOAWAY ({name})",
    meaning="One side ended the connection with an error, and all open streams ended with it. Its code says "
    "what it holds against the other side, or that it failed itself. Whether the accusation is true only "
    "the frames before it can show.",
    established="A GOAWAY with this error code, decrypted, and streams without a response.",
    refuted="A GOAWAY with NO_ERROR; a close or a reset of the stream ahead of the GOAWAY.",
    references=("RFC 9113 section 6.8", "RFC 9113 section 7"),
    elsewhere={
        "COMPRESSION_ERROR": "h2-header-compression-desync",
        "SETTINGS_TIMEOUT": "h2-settings-timeout",
    },
    members=(
        Member(
            "PROTOCOL_ERROR",
            Meaning(
                "the client broke the rules of HTTP/2: a frame that is not allowed at this point, a wrong "
                "stream number, a header field that HTTP/2 forbids",
                "unknown",
                "Look at the frames just before the GOAWAY; update the HTTP/2 library." + _NOT_WORKED_ON,
                "Log which rule was broken: the GOAWAY's debug data is the place for it.",
            ),
            Meaning(
                "the server broke the rules of HTTP/2: a frame that is not allowed at this point, or a "
                "response that contradicts itself",
                "unknown",
                "Turn on the library's debug log: it knows which rule was broken.",
                "Look at the frames just before the GOAWAY, and at what a proxy makes of them.",
            ),
        ),
        Member(
            "INTERNAL_ERROR",
            Meaning(
                "it failed, for a reason of its own",
                "server",
                "Retry requests whose method is idempotent on a new connection." + _NOT_WORKED_ON,
                "Look in the log at this time: a crash, a worker that was killed, memory that ran out.",
            ),
            Meaning(
                "it failed, for a reason of its own",
                "client",
                "Look for an exception in the program or its HTTP/2 library.",
                "Nothing to fix on the server.",
            ),
        ),
        Member(
            "FLOW_CONTROL_ERROR",
            Meaning(
                "the client sent more than the flow-control window allowed",
                "unknown",
                "Update the HTTP/2 library: it counts the connection's or a stream's window wrongly."
                + _NOT_WORKED_ON,
                "Check whether a smaller SETTINGS_INITIAL_WINDOW_SIZE was applied before the client had "
                "acknowledged it.",
            ),
            Meaning(
                "the server sent more than the flow-control window allowed, or opened one beyond its maximum",
                "unknown",
                "Check whether the client lowered SETTINGS_INITIAL_WINDOW_SIZE while data were on their way.",
                "Update the HTTP/2 library or proxy: it counts the window wrongly.",
            ),
        ),
        Member(
            "STREAM_CLOSED",
            Meaning(
                "the client sent frames on a stream that had ended",
                "unknown",
                "Send nothing after END_STREAM, or on a stream that was reset." + _NOT_WORKED_ON,
                "Drop frames that were on their way when a stream was reset, rather than end the connection.",
            ),
            Meaning(
                "the server sent frames on a stream that had ended",
                "unknown",
                "Drop frames that were on their way when a stream was cancelled.",
                "Send nothing after END_STREAM, or on a stream that was reset.",
            ),
        ),
        Member(
            "FRAME_SIZE_ERROR",
            Meaning(
                "a frame of the client's was longer than the server allows, or of a wrong length",
                "unknown",
                "Keep frames within the server's SETTINGS_MAX_FRAME_SIZE (16,384 bytes unless it says more)."
                + _NOT_WORKED_ON,
                "Log which frame it was. If the client speaks HTTP/1 or TLS to a port for clear-text "
                "HTTP/2, its first bytes read like a frame of a wrong length.",
            ),
            Meaning(
                "a frame of the server's was longer than the client allows, or of a wrong length",
                "unknown",
                "Nothing to fix on the client if its SETTINGS_MAX_FRAME_SIZE is smaller than that frame.",
                "Keep frames within the client's SETTINGS_MAX_FRAME_SIZE (16,384 bytes unless it says more).",
            ),
        ),
        Member(
            "REFUSED_STREAM",
            Meaning(
                "it did not work on the streams that it leaves out. The code is meant for streams, not for "
                "connections",
                "server",
                "Retry them on a new connection, whatever their method.",
                "Use NO_ERROR in a GOAWAY that only announces the end.",
            ),
            Meaning(
                "it refuses pushed streams. The code is meant for streams, not for connections",
                "client",
                "Turn server push off with SETTINGS_ENABLE_PUSH.",
                "Do not push.",
            ),
        ),
        Member(
            "CANCEL",
            Meaning(
                "it gives the whole connection up. The code is meant for streams, not for connections",
                "server",
                "Retry requests whose method is idempotent on a new connection." + _NOT_WORKED_ON,
                "Find what gave the connection up; use NO_ERROR for an orderly end.",
            ),
            Meaning(
                "it gives the whole connection up",
                "client",
                "If the program did not mean to stop, find what closed the connection.",
                "Nothing to fix on the server.",
            ),
        ),
        Member(
            "CONNECT_ERROR",
            Meaning(
                "the connection behind a CONNECT request was lost. The code is meant for streams, not for "
                "connections",
                "server",
                "Open the tunnel again on a new connection.",
                "Reset the tunnel's stream only, so that the other streams go on.",
            ),
            Meaning(
                "the client's end of a tunnel was lost",
                "client",
                "Reset the tunnel's stream only, so that the other streams go on.",
                "Nothing to fix on the server.",
            ),
        ),
        Member(
            "ENHANCE_YOUR_CALM",
            Meaning(
                "the client asks for too much: PINGs that come too often, too many requests, or too many "
                "streams opened and cancelled (the limits against the rapid-reset attack)",
                "unknown",
                "See what came too often before it, and do less of it: fewer keepalive PINGs (gRPC: at most "
                "one in five minutes unless the server allows more), fewer cancelled streams."
                + _NOT_WORKED_ON,
                "Say in the GOAWAY's debug data which limit was reached, and check that it leaves room for "
                "this client.",
                client_needs=("ping interval",),
            ),
            Meaning(
                "the server sends too much: PINGs, SETTINGS, empty frames or pushed streams",
                "unknown",
                "Log which limit was reached.",
                "Send fewer PINGs and SETTINGS.",
            ),
        ),
        Member(
            "INADEQUATE_SECURITY",
            Meaning(
                "the connection's TLS is too weak for HTTP/2 (RFC 9113 section 9.2)",
                "unknown",
                "Offer TLS 1.2 or later with an AEAD cipher suite, and no suite that HTTP/2 forbids first.",
                "Prefer cipher suites that HTTP/2 allows, or do not offer h2 for the others.",
            ),
            Meaning(
                "the connection's TLS is too weak for HTTP/2 (RFC 9113 section 9.2)",
                "unknown",
                "Offer only cipher suites that HTTP/2 allows (RFC 9113 appendix A).",
                "Prefer TLS 1.2 or later with an AEAD cipher suite.",
            ),
        ),
        Member(
            "HTTP_1_1_REQUIRED",
            Meaning(
                "what was asked for is served over HTTP/1.1 only",
                "unknown",
                "Send the request over HTTP/1.1.",
                "Do not offer h2 (ALPN) on addresses whose resources need HTTP/1.1.",
            ),
            Meaning(
                "it wants HTTP/1.1 and not HTTP/2",
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
            "Retry requests whose method is idempotent on a new connection." + _NOT_WORKED_ON,
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
