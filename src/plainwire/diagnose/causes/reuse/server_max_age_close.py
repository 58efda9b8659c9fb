"""Rule server-max-age-close: the server closes connections at a fixed age."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.round_trip import shortest_rtt
from plainwire.diagnose.servers.idle_timeout import fits

from .idle_close_named import named_close, surroundings

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict

_LATEST = 1.25
"""How late a limit of age may strike, as a share of the latest age that was seen several times."""


def server_max_age_close(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server closes its connections at one age, whatever they did before."""
    met, facts = surroundings(failed), failed.traffic.servers.get(failed.connection.server)
    age = None if facts is None else facts.max_age
    if met is None or age is None:
        return None
    own, closes = met
    trip = shortest_rtt(failed.connection) or 0  # the SYN's way, and the close's
    shortest, longest = closes.idle_range
    old = own.age_ns - trip
    # A busy server's timer is late, never early; others that were idle for longer refute an idle timeout.
    late = age.high_ns < old <= age.high_ns * _LATEST and own.idle_ns < longest
    if not fits(age, old) and not late:
        return None
    paused = f"which had been idle for {wording.span(shortest)} to {wording.span(longest)}"
    return named_close(
        failed,
        "server-max-age-close",
        f"It closed {age.count} connections at an age, by its own count, of {wording.span(age.low_ns)} to "
        f"{wording.span(age.high_ns)}, {paused}: a limit of age.",
        f"an idle timeout: refuted by the connections, {paused}",
        closes.all,
    )
