"""Dates in fields (RFC 9110 section 5.6.7)."""

from __future__ import annotations


def date_ns(text: str) -> int | None:
    """The moment, in ns since the epoch; None where the text is no date."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - much to load, for a field of few captures

    try:
        return int(parsedate_to_datetime(text).timestamp()) * 1_000_000_000
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
