"""Words of grpc-status-...: what each status of gRPC means, and whose fault it makes it.

Names and meanings are those of gRPC's own documentation (``statuscodes.md``). A status is always the server's
side's word; what a client library makes up by itself (a deadline that is over, a connection that is lost) is
not on the wire.
"""

from plainwire.diagnose.causes.cause import Meaning
from plainwire.diagnose.causes.family import Family, Member

_REQUEST = "Correct what the call asks for; the same call will fail again."
_HANDLER = "Log the exception in the handler, and answer with the status that says what went wrong."
_RIGHTS = "Check the credentials that the call carries, and their expiry."
_NOTHING = "Nothing to fix on the server if the call is wrong; say in the message what is."

GRPC_STATUS = Family(
    stem="grpc-status",
    title="calls ended with gRPC status {name}",
    meaning="gRPC tells how a call went in a trailer, grpc-status, whatever the status of HTTP is (mostly "
    "200). The words of the server, where it gave any, are quoted.",
    established="This grpc-status in the trailers, or in a response of header fields only, as decrypted.",
    refuted="A call without grpc-status (grpc-no-status); a call that the client gave up itself "
    "(client-abort, client-timeout-too-short).",
    references=("gRPC over HTTP2, section Responses", "RFC 9110 section 6.5"),
    members=(
        Member(
            "CANCELLED",
            Meaning(
                "the call was cancelled, mostly by its caller or by a call further up",
                "unknown",
                "See whether the caller gave the call up; if not, the server's side cancelled it.",
                "See what cancels calls: a context that ends early, a deadline of a call behind this one.",
            ),
        ),
        Member(
            "UNKNOWN",
            Meaning(
                "the call failed in a way that has no status of its own, as an exception in a handler has "
                "none",
                "server",
                "Retry the call only if doing it twice does no harm.",
                _HANDLER,
            ),
        ),
        Member(
            "INVALID_ARGUMENT",
            Meaning("the call's arguments are wrong, whatever the state", "client", _REQUEST, _NOTHING),
        ),
        Member(
            "DEADLINE_EXCEEDED",
            Meaning(
                "the call was not over when its deadline was",
                "unknown",
                "Give the call as long as it takes (the deadline is the client's), or ask for less at a "
                "time.",
                "See what takes so long; pass the deadline on, so that no work is done for a call that is "
                "over.",
            ),
        ),
        Member("NOT_FOUND", Meaning("what was asked for does not exist", "client", _REQUEST, _NOTHING)),
        Member(
            "ALREADY_EXISTS",
            Meaning(
                "what the call was to create exists",
                "client",
                "See whether an earlier try had succeeded.",
                _NOTHING,
            ),
        ),
        Member(
            "PERMISSION_DENIED",
            Meaning("the caller is known and may not do this", "client", _RIGHTS, _NOTHING),
        ),
        Member(
            "RESOURCE_EXHAUSTED",
            Meaning(
                "a limit was reached: the size of a message, a quota, the calls at a time",
                "both",
                "Keep within the limit: smaller messages, fewer calls at a time; or have it raised.",
                "Raise the limit if such calls are meant (max_receive_message_length, concurrent calls, "
                "quota).",
            ),
        ),
        Member(
            "FAILED_PRECONDITION",
            Meaning(
                "the state of the system does not allow the call, and retrying it alone will not help",
                "client",
                "Bring the system into the state that the call needs first.",
                _NOTHING,
            ),
        ),
        Member(
            "ABORTED",
            Meaning(
                "the call met another one at the same object",
                "both",
                "Retry the whole transaction, after a pause.",
                "Keep transactions short.",
            ),
        ),
        Member("OUT_OF_RANGE", Meaning("the call went beyond the valid range", "client", _REQUEST, _NOTHING)),
        Member(
            "UNIMPLEMENTED",
            Meaning(
                "the server does not have this method, or the call went to something else than was meant",
                "both",
                "Check the service's name, the method's and the port; the server may be older than the "
                "client.",
                "Register the service; see whether a proxy sends the path to another server.",
            ),
        ),
        Member(
            "INTERNAL",
            Meaning(
                "something that must hold did not: the server, or something between, failed",
                "server",
                "Retry the call only if doing it twice does no harm.",
                _HANDLER,
            ),
        ),
        Member(
            "UNAVAILABLE",
            Meaning(
                "the service cannot be had at the moment",
                "server",
                "Retry the call after a pause that grows, if doing it twice does no harm.",
                "See what was down, draining or restarting at these times.",
            ),
        ),
        Member(
            "DATA_LOSS",
            Meaning(
                "data were lost or damaged for good",
                "server",
                "Do not retry the call; report it.",
                "Restore the data; see what damaged them.",
            ),
        ),
        Member(
            "UNAUTHENTICATED",
            Meaning(
                "the call has no valid credentials", "client", _RIGHTS, "Say in the message which ones lack."
            ),
        ),
    ),
    other=Member(
        "an unregistered number",
        Meaning(
            "something that no registered status says",
            "unknown",
            "Look the number up in the service's documentation.",
            "Use a registered status; put what is special into its details.",
        ),
    ),
)
