"""Family grpc: calls that ended with a status other than OK, or without one."""

from plainwire.diagnose.causes.cause import Cause

from .statuses import GRPC_STATUS

CAUSES: tuple[Cause, ...] = (
    *GRPC_STATUS.causes(),
    Cause(
        "grpc-no-status",
        "the response to a gRPC call ended without a gRPC status",
        "A gRPC response ends with trailers that carry grpc-status; only so can a client tell a whole "
        "response from one that was cut. Without them client libraries report UNKNOWN or INTERNAL, or make a "
        "status of HTTP's. Mostly something else than a gRPC server answered, or a proxy in between dropped "
        "the trailers.",
        "A complete response to a request of type application/grpc, decrypted, with grpc-status in neither "
        "its header fields nor its trailers.",
        "A response that was cut; trailers that the capture lacks.",
        "Check address, port and path; look at the response's status and content type.",
        "See that every proxy on the way speaks HTTP/2 on both sides and passes trailers on; end every call "
        "with a status.",
        ("gRPC over HTTP2, section Responses", "RFC 9110 section 6.5", "RFC 9113 section 8.1"),
    ),
    Cause(
        "grpc-bad-messages",
        "a gRPC call ended with status OK, and its messages do not agree with that",
        "A unary call has exactly one message, each message is as long as its prefix says, and compressed "
        "ones need the name of their encoding. The server ended the call with status OK all the same. "
        "Clients make INTERNAL or UNIMPLEMENTED of it, wait for their deadline, or return nothing without an "
        "error.",
        "The status comes inside a message; a message has the flag for compression, and no grpc-encoding is "
        "named; or a response has no message, or several, and the program says that the call failed, while "
        "nothing else on the wire did.",
        "A status other than OK: then there need be no message. A call that streams: it may have any number.",
        "See that both sides have the same definition of the method (unary or streaming).",
        "Send one message before the status of a unary call, whole; find what cuts it (a proxy, a limit). "
        "Name the encoding in grpc-encoding.",
        ("gRPC over HTTP2, sections Responses and Message-Encoding", "gRPC status codes, cardinality"),
    ),
)
