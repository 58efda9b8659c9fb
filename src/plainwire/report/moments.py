"""Times of day: in UTC, as servers log them, and in the reader's own zone."""

from __future__ import annotations

import datetime as dt


def moment(nanoseconds: int) -> str:
    """Return a time of day, UTC, to the microsecond: ``13:37:00.123456``."""
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    day = dt.datetime.fromtimestamp(whole, dt.UTC)
    return f"{day:%H:%M:%S}.{rest // 1000:06d}"


def short(nanoseconds: int) -> str:
    """The same to the millisecond, cut off as logs do."""
    return moment(nanoseconds)[:-3]


def when(first_ns: int, last_ns: int, zone: dt.tzinfo | None = None) -> str:
    """From when to when: ``2023-11-14 22:13:20.123 to 22:13:24.800 UTC (23:13:20 to 23:13:24 CET)``.

    ``zone`` is the reader's; nothing is said of it where it is UTC.
    """
    begin, end = dt.datetime.fromtimestamp(first_ns // 10**9, dt.UTC), _at(last_ns, dt.UTC)
    until = f" to {short(last_ns)}" if short(last_ns) != short(first_ns) else ""
    if end.date() != begin.date():
        until = f" to {end:%Y-%m-%d} {short(last_ns)}"
    told = f"{begin:%Y-%m-%d} {short(first_ns)}{until} UTC"
    local = _at(first_ns, zone) if zone is not None else begin
    if not local.utcoffset():
        return told
    other = f" to {_at(last_ns, zone):%H:%M:%S}" if last_ns // 10**9 != first_ns // 10**9 else ""
    day = f"{local:%Y-%m-%d} " if local.date() != begin.date() else ""
    return f"{told} ({day}{local:%H:%M:%S}{other} {local:%Z})"


def _at(nanoseconds: int, zone: dt.tzinfo | None) -> dt.datetime:
    return dt.datetime.fromtimestamp(nanoseconds // 10**9, zone or dt.UTC)
