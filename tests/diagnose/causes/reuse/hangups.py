"""The server had the request, and the connection ended without a byte of response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import Wire, only

if TYPE_CHECKING:
    from plainwire.model import Finding


def verdict(wire: Wire) -> Finding:
    return only(diagnose([wire.done("unanswered")]))
