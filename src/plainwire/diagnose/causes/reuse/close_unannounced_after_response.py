"""Rule close-unannounced-after-response: a response kept the connection open, and the server closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording

from .idle_close_named import named_close, surroundings

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def close_unannounced_after_response(failed: FailedExchange) -> Verdict | None:
    """A verdict where the close came with the last response, which did not announce it."""
    met = surroundings(failed)
    if met is None or not met[0].at_once or met[0].announced:
        return None
    return named_close(
        failed,
        "close-unannounced-after-response",
        "That response did not announce a close.",
        f"an idle timeout: refuted, the server had been idle for {wording.span(met[0].idle_ns)} only",
        [],
    )
