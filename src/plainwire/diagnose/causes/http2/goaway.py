"""What GOAWAY frames say of a stream, and how they are put into words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import StreamEvent


H3_REFUSED = "h3-goaway-or-rejected"


def goaways(failed: FailedExchange) -> list[StreamEvent]:
    """The server's GOAWAY frames."""
    return [e for e in failed.traffic.events(failed.connection, "goaway") if e.side == Side.SERVER]


def beyond(failed: FailedExchange, goaway: StreamEvent) -> bool:
    """Whether the GOAWAY leaves the stream out. HTTP/2 names the last one in, HTTP/3 the first one out."""
    stream, limit = failed.exchange.stream, goaway.last_stream
    if stream is None or limit is None:
        return False
    return stream >= limit if failed.exchange.protocol == "h3" else stream > limit


def limit_words(failed: FailedExchange, goaway: StreamEvent) -> str:
    """Which streams the GOAWAY leaves in, in words."""
    if failed.exchange.protocol == "h3":
        return f"those from {goaway.last_stream} on are not worked on"
    return f"{goaway.last_stream} is the last that is worked on"


def in_parentheses(event: StreamEvent) -> str:
    """The frame's error code, where it has one."""
    return f" ({event.name})" if event.name else ""


def frame_words(event: StreamEvent) -> str:
    """The frame by its name and error code."""
    return f"{event.kind.upper()}{in_parentheses(event)}"
