"""Numbers that judge, which more than one rule goes by."""

from __future__ import annotations

SECOND_NS = 1_000_000_000
"""The unit."""

PATIENCE_NS = 1_000_000_000
"""A client that waited longer than this in silence before it hung up is not called the one at fault."""

HASTY_NS = 2_000_000_000
"""A client whose timer allows less than this is impatient whatever the server does."""

SKEW_NS = 300_000_000_000
"""A clock that is wrong by less than this is taken for right."""

AT_ONCE_NS = 50_000_000
"""A close sooner than this after a response is no idle timer."""

LATE_OPENING_NS = 500_000_000
"""A connection that takes longer to open was held up: no round trip is so long, and a SYN is sent again
after a second (RFC 6298 section 2)."""

LONG_IDLE_NS = 500_000_000
"""Boxes that forget connections do so after seconds at the least; below this nothing is called idle."""

BLINDNESS_NS = 5_000_000
"""How long a program may be excused for not having noticed a close that its kernel had received."""

LONG_NS = 1_000_000_000
"""What takes less than this is not called slow."""

DRAWN_OUT_NS = 150_000_000
"""A retransmission costs more than this (Linux: 200 ms at least)."""

STALL_NS = 2_000_000_000
"""Packets of the server that are lost ahead of the place of capture look like silence too, but are sent again
sooner than this, mostly (RFC 6298 section 2)."""

LONG_HEADER_BYTES = 7_000
"""Servers' limits begin at 8 kB (nginx, Apache: 8,190 bytes a line), of which the request line takes a
part."""
