"""Rule server-reload-close: the server closed many connections in one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording

from .idle_close_named import named_close, surroundings

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def server_reload_close(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server closed several connections, differently idle, in one moment."""
    met = surroundings(failed)
    if met is None or met[0].close.kind == "rst":
        return None
    own, closes = met
    together = closes.together(own)
    if not together:
        return None
    times = [close.close.time_ns for close in together]
    return named_close(
        failed,
        "server-reload-close",
        f"It closed {len(together)} connections within {wording.span(max(times) - min(times))}, which had "
        f"been idle for {wording.span(min(c.idle_ns for c in together))} to "
        f"{wording.span(max(c.idle_ns for c in together))}: a reload or a restart.",
        "an idle timeout: refuted, the connections had been idle for different times",
        together,
    )
