"""What is known of a server's limits and manners, in sentences. Safe to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Bounds, Report, ServerFacts

_REFUTED = 0.01
_FLAVOURS = {
    "acknowledging": "Its resets bear an ACK even where it does not know the connection any more.",
}


def concerned(report: Report) -> list[ServerFacts]:
    """The servers that findings are about and of which there is something to say."""
    ids = {connection for finding in report.findings for connection in finding.connections}
    addresses = {c.server for c in report.connections if c.id in ids}
    return [facts for facts in report.servers if facts.address in addresses and any(sentences(facts))]


def sentences(facts: ServerFacts) -> Iterator[str]:
    """Yield what was inferred, one sentence for each limit; nothing where nothing was."""
    if facts.idle_timeout is not None:
        hint = ""
        if facts.hint_timeout_ns is not None:
            hint = f"; its Keep-Alive field says {facts.hint_timeout_ns / 1e9:g} s"
        yield f"It closes connections that are idle for {span(facts.idle_timeout)}{hint}."
    if facts.silent_limit is not None:
        low, high = _seconds(facts.silent_limit.low_ns), _seconds(facts.silent_limit.high_ns)
        yield f"Connections idle for longer than {low} to {high} go dead without a word from either end."
    if facts.max_requests is not None:
        requests = "one request" if facts.max_requests == 1 else f"{facts.max_requests} requests"
        announced = ", and says so" if facts.announces_close else ""
        yield f"It ends a connection after {requests}{announced} (seen {facts.max_requests_count} times)."
    if facts.max_age is not None:
        yield f"It ends connections at an age of {span(facts.max_age)}, busy or not."
    if facts.reloads:
        times = "once" if len(facts.reloads) == 1 else f"{len(facts.reloads)} times"
        yield f"It ended several connections in the same moment, {times}: as on a reload."
    if facts.reset_flavour in _FLAVOURS:
        yield _FLAVOURS[facts.reset_flavour]
    if facts.fingerprint:
        names = " or ".join(map(printable, facts.fingerprint[:4]))
        yield f"That is how {names} does it by default."
    yield from _danger(facts)


def _danger(facts: ServerFacts) -> Iterator[str]:
    band = facts.danger_band
    if band is None:
        return
    low = _seconds(band.low_ns)
    if band.high_ns is None:
        yield f"A request on a connection idle for {low} or longer meets that close."
    elif band.empty:
        yield f"The client gives up idle connections after {_seconds(band.high_ns)}: before that close."
        return
    else:
        known = "as seen" if band.observed else "as that software does by default"
        yield (
            f"A request on a connection idle for {low} or longer meets that close; "
            f"the client gives up idle connections after {_seconds(band.high_ns)} ({known})."
        )
    if facts.expected_failures or facts.observed_failures:
        expected = f"{facts.expected_failures or 0:g}"
        unlikely = facts.prediction_p is not None and facts.prediction_p < _REFUTED
        odd = ": the idle timeout does not account for them" if unlikely else ""
        observed = facts.observed_failures
        yield f"By that, {expected} of the requests seen should have failed; {observed} did{odd}."


def span(bounds: Bounds) -> str:
    """Return ``2.001 to 2.003 s (seen 5 times)``."""
    low, high = f"{bounds.low_ns / 1e9:.3f}", f"{bounds.high_ns / 1e9:.3f}"
    seen = "seen once" if bounds.count == 1 else f"seen {bounds.count} times"
    return f"{low} s ({seen})" if low == high else f"{low} to {high} s ({seen})"


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.3f} s"
