"""Family H: the client program and its host."""

from .cause import Cause

CAUSES: tuple[Cause, ...] = (
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
        failure=False,
    ),
)
