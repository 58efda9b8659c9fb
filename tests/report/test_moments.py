"""Times of day, in UTC and where the reader is."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from plainwire.report.moments import moment, short, when

NOON_NS = 1_700_000_000_123_456_789  # 2023-11-14 22:13:20 UTC
SECOND_NS = 1_000_000_000


def test_a_moment_is_a_time_of_day_in_utc() -> None:
    assert moment(NOON_NS) == "22:13:20.123456"
    assert short(NOON_NS) == "22:13:20.123"


def test_a_span_of_time_has_its_day_and_both_ends() -> None:
    assert when(NOON_NS, NOON_NS + 1000) == "2023-11-14 22:13:20.123 UTC"
    assert when(NOON_NS, NOON_NS + 2 * SECOND_NS) == "2023-11-14 22:13:20.123 to 22:13:22.123 UTC"


def test_the_day_of_the_end_is_told_where_it_is_another() -> None:
    late = NOON_NS + 7200 * SECOND_NS
    assert when(NOON_NS, late) == "2023-11-14 22:13:20.123 to 2023-11-15 00:13:20.123 UTC"


def test_the_readers_own_time_stands_beside_it_unless_it_is_utc() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert when(NOON_NS, NOON_NS, berlin) == "2023-11-14 22:13:20.123 UTC (23:13:20 CET)"
    assert "(UTC" not in when(NOON_NS, NOON_NS, dt.UTC)
    tokyo = dt.timezone(dt.timedelta(hours=9), "JST")
    assert when(NOON_NS, NOON_NS, tokyo).endswith("(2023-11-15 07:13:20 JST)")
