"""Limits that an end of an HTTP/2 connection announces in its SETTINGS (RFC 9113 section 6.5.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.model import Side, StreamEvent

_MOST_DIGITS = 9
"""What has more of them limits nothing."""


def limits_announced(
    events: Iterable[StreamEvent], side: Side, name: str
) -> Iterator[tuple[StreamEvent, int]]:
    """The SETTINGS of a side that have the parameter of this name, and its value in each."""
    written = re.compile(rf"\b{name}=(\d{{1,{_MOST_DIGITS}}})\b")
    for event in events:
        if event.kind == "settings" and event.side == side and (found := written.search(event.detail)):
            yield event, int(found[1])
