"""Which family of codes the reset of a stream belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .h3_stream_resets import H3_STREAM_RESET
from .stream_resets import H2_STREAM_RESET

if TYPE_CHECKING:
    from plainwire.diagnose.causes.family import Family
    from plainwire.diagnose.verdict import FailedExchange


def reset_family(failed: FailedExchange) -> Family:
    """That of HTTP/3 over QUIC, else that of HTTP/2."""
    return H3_STREAM_RESET if failed.connection.transport == "quic" else H2_STREAM_RESET
