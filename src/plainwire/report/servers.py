"""What is known about a server's limits and habits, in sentences. Safe to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.plurals import count, times
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Bounds, Report, ServerFacts

_REFUTED = 0.01
_FEW = 2
"""Connections that agree, below three of which a number is likely and no more (chosen)."""
_FLAVOURS = {
    "acknowledging": "Its resets have the ACK flag even where it no longer knows the connection.",
}


def concerned(report: Report) -> list[ServerFacts]:
    """The servers that findings are about, as far as something is known about them."""
    ids = {connection for finding in report.findings for connection in finding.connections}
    addresses = {c.server for c in report.connections if c.id in ids}
    return [facts for facts in report.servers if facts.address in addresses and any(sentences(facts))]


def sentences(facts: ServerFacts) -> Iterator[str]:
    """Yield one sentence for each limit that was inferred."""
    if facts.idle_timeout is not None:
        hint = ""
        if facts.hint_timeout_ns is not None:
            hint = f"; its Keep-Alive field says {facts.hint_timeout_ns / 1e9:g} s"
        yield f"It closes connections that are idle for {span(facts.idle_timeout)}{hint}."
    if facts.silent_limit is not None:
        low, high = _seconds(facts.silent_limit.low_ns), _seconds(facts.silent_limit.high_ns)
        yield f"Connections that are idle for longer than {low} to {high} go dead, and neither end is told."
    if facts.max_requests is not None:
        requests = count(facts.max_requests, "request")
        announced = ", and says so" if facts.announces_close else ""
        seen = times(facts.max_requests_count)
        sure = ": likely a limit" if facts.max_requests_count <= _FEW else ""
        yield f"It closes a connection after {requests}{announced} (seen {seen}{sure})."
    if facts.max_age is not None:
        yield f"It closes connections at an age of {span(facts.max_age)}, busy or idle."
    if facts.reloads:
        often = times(len(facts.reloads))
        yield f"It closed several connections at the same moment, {often}: this looks like a reload."
    if facts.reset_flavour in _FLAVOURS:
        yield _FLAVOURS[facts.reset_flavour]
    if facts.fingerprint:
        names = " or ".join(map(printable, facts.fingerprint[:4]))
        yield f"By default {names} behaves like this."
    yield from _danger(facts)


def _danger(facts: ServerFacts) -> Iterator[str]:
    band = facts.danger_band
    if band is None:
        return
    low = _seconds(band.low_ns)
    if band.high_ns is None:
        yield f"A request on a connection that was idle for {low} or longer meets this close."
    elif band.empty:
        yield f"The client closes idle connections after {_seconds(band.high_ns)}, before the server does."
        return
    else:
        known = "as seen" if band.observed else "the default of that software"
        own = f"the client closes idle connections after {_seconds(band.high_ns)} ({known})"
        yield f"A request on a connection that was idle for {low} or longer meets this close; {own}."
    if facts.expected_failures or facts.observed_failures:
        expected = f"{facts.expected_failures or 0:g}"
        unlikely = facts.prediction_p is not None and facts.prediction_p < _REFUTED
        odd = ": the idle timeout does not explain them" if unlikely else ""
        observed = facts.observed_failures
        yield f"So {expected} of the requests seen should have failed; {observed} did{odd}."


def span(bounds: Bounds) -> str:
    """Return ``2.001 to 2.003 s (seen 5 times)``."""
    low, high = f"{bounds.low_ns / 1e9:.3f}", f"{bounds.high_ns / 1e9:.3f}"
    seen = f"seen {times(bounds.count)}"
    return f"{low} s ({seen})" if low == high else f"{low} to {high} s ({seen})"


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.3f} s"
