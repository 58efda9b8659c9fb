"""Rule goaway-error: the server ended the connection with a GOAWAY that names an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.verdict import stage, stream_verdict
from plainwire.model import Evidence

from .goaway import beyond, goaways, in_parentheses, limit_words

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import StreamEvent


_OF_ERRORS = {"COMPRESSION_ERROR": "h2-header-compression-desync", "SETTINGS_TIMEOUT": "h2-settings-timeout"}
"""Codes with which a GOAWAY names its cause."""

_OF_COMPRESSION = "RFC 7541"
"""Stands in every defect of a header block's coding."""

_HARMLESS = frozenset(("NO_ERROR", "H3_NO_ERROR"))


def goaway_error(failed: FailedExchange) -> Verdict | None:
    """The server ended the connection with an error: whatever either side closed afterwards follows."""
    event = next((e for e in goaways(failed) if e.name not in ("", *_HARMLESS)), None)
    ends = [e.time_ns for e in (failed.exchange.reset, failed.first_close) if e is not None]
    if event is None or (ends and event.time_ns > min(ends)):
        return None
    return stream_verdict(
        failed,
        _OF_ERRORS.get(event.name, "goaway-error"),
        "unknown",
        "proved",
        f"The server ended the connection with GOAWAY{in_parentheses(event)}, "
        f"{stage(failed, event.time_ns)}: {limit_words(failed, event)}, and this is stream "
        f"{failed.exchange.stream}.{_checked(failed, event)}",
        Evidence(
            event.packet, f"GOAWAY{in_parentheses(event)} from the server, {limit_words(failed, event)}"
        ),
        retry_safe=True if beyond(failed, event) else failed.idempotent,
        runner_up="a client that gave up: refuted, the server's GOAWAY came first",
    )


def _checked(failed: FailedExchange, goaway: StreamEvent) -> str:
    """What can be said here of the accusation that header blocks cannot be decoded (RFC 9113 section 4.3)."""
    if goaway.name != "COMPRESSION_ERROR" or failed.connection.mid_stream or failed.connection.gaps:
        return ""
    requests = [e.request for e in failed.connection.exchanges if e.request is not None]
    wrong = next((r for r in requests if any(_OF_COMPRESSION in defect for defect in r.defects)), None)
    if wrong is None:
        return f" The header blocks of the client's {len(requests)} requests do decode here."
    return f" The header block of the request in packet {wrong.packet} does not decode here either."
