"""Sizes and durations as people write them."""

from __future__ import annotations

import re

from plainwire.model import UserError

_NUMBER = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]*)")
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_BYTES |= {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


def size(text: str) -> int:
    """Bytes: ``2GB``, ``500MB``, ``1GiB``.

    Raises:
        UserError: it is none.

    """
    return int(_value(text, _BYTES, "a size, as 2GB or 500MB"))


def duration(text: str) -> float:
    """Seconds: ``10m``, ``14d``, ``1.5h``, ``30``.

    Raises:
        UserError: it is none.

    """
    return _value(text, _SECONDS, "a duration, as 30s, 10m, 2h or 14d")


def _value(text: str, units: dict[str, int], what: str) -> float:
    match = _NUMBER.fullmatch(text.strip())
    unit = units.get(match[2].lower()) if match else None
    if match is None or unit is None or float(match[1]) * unit <= 0:
        message = f"{text!r} is not {what}"
        raise UserError(message)
    return float(match[1]) * unit
