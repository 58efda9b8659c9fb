"""Servers' clocks, as the Date of their responses shows them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.dates import date_ns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Exchange

    from .traffic import Traffic


_MOST_ASKED = 50


def skew(traffic: Traffic) -> tuple[int, int] | None:
    """How far servers' clocks are ahead of the capture's, in ns, and the packet that says so.

    Responses from a cache have the Date of their making: the one that is latest counts.
    """
    dated = (
        (made - exchange.response.time_ns, exchange.response.packet)
        for exchange in islice(_answered(traffic), _MOST_ASKED)
        if exchange.response is not None
        for made in (answered_ns(exchange),)
        if made is not None
    )
    return max(dated, default=None)


def _answered(traffic: Traffic) -> Iterator[Exchange]:
    return (
        e for c in traffic.connections for e in c.exchanges if e.response is not None and e.response.status
    )


def answered_ns(exchange: Exchange) -> int | None:
    """The Date of a response (RFC 9110 section 6.6.1), in ns."""
    response = exchange.response
    fields = [] if response is None else response.headers
    value = next((value for name, value in fields if name.lower() == "date"), "")
    return date_ns(value) if value else None
