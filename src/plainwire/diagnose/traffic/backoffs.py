"""The pauses that libraries make before they send a failed request again.

Pauses alone name a library from three on, as two are soon alike; and never one that the User-Agent denies.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.thresholds import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEWEST_PAUSES = 3
"""Pauses of one request that tell a pattern from a coincidence (chosen)."""

_LATE, _SLOW_NS = 1.05, 150_000_000
"""A pause is never shorter than it is set; connecting anew and a busy machine make it longer (chosen)."""

AT_ONCE_NS = 50_000_000
"""Nobody sets a pause as short as this: it is the time that a new connection takes (chosen)."""

_DOUBLE = (1.8, 2.3)
"""Ratios of pauses that double, with some jitter (chosen)."""

_GROWTH = 1.3
"""How much longer each pause is at least than the one before it, where they are meant to grow: linear ones
grow by a third at the third step (chosen)."""

_REPEAT_REFUSED = ("go-http-client/", "curl/", "okhttp/")
"""Go's http2 ``canRetryError``, curl's ``Curl_retry_request``, OkHttp's ``RetryAndFollowUpInterceptor``:
REFUSED_STREAM, and streams that a GOAWAY leaves out (RFC 9113 section 8.7). The JDK's client does so since
release 24 (JDK-8335181); releases before it throw "GOAWAY received"."""

_JDK = re.compile(r"java-http-client/(\d{1,4})\b")
_JDK_REPEATS = 24
"""The first release of the JDK that sends again what a GOAWAY leaves out (JDK-8335181)."""

_MOST_SHOWN = 6
_AT_ONCE = "at once"


class Backoff(Struct, frozen=True):
    """What one client does. ``agents``: how its User-Agent begins, in lower case.

    ``exact``: its pauses in seconds. ``doubling``: the first at once, each later one twice the one before.
    ``always``: it repeats what failed by itself, whatever it was, so that a program that saw a failure has
    two attempts behind it.
    """

    name: str
    agents: tuple[str, ...]
    kind: Literal["exact", "doubling", "at once"]
    exact: tuple[float, ...] = ()
    always: bool = False

    def fits(self, pauses: Sequence[int]) -> bool:
        """Whether the pauses (ns) of one request are such."""
        match self.kind:
            case "at once":
                return len(pauses) <= 1 and all(pause < AT_ONCE_NS for pause in pauses)
            case "exact":
                return len(pauses) <= len(self.exact) and all(
                    _is(pause, set_) for pause, set_ in zip(pauses, self.exact, strict=False)
                )
            case "doubling":
                return pauses[0] < AT_ONCE_NS + _SLOW_NS and _double(pauses[1:])


BACKOFFS = (
    Backoff("python-swiftclient", ("python-swiftclient",), "exact", (1, 2, 4, 8, 16, 32, 64)),
    Backoff("curl --retry", ("curl/",), "exact", (1, 2, 4, 8, 16, 32, 64)),
    Backoff("axios-retry", ("axios/",), "exact", (0.2, 0.4, 0.8, 1.6, 3.2)),
    Backoff("got", ("got ",), "exact", (1, 2, 4, 8, 16)),
    Backoff("Go's retryablehttp", ("go-http-client/",), "exact", (1, 2, 4, 8, 16, 30)),
    Backoff("Apache HttpClient", ("apache-httpclient/5",), "exact", (1,)),
    Backoff("urllib3", ("python-urllib3/", "python-requests/"), "doubling"),
    Backoff("Go's http.Transport", ("go-http-client/",), "at once"),
    Backoff("OkHttp", ("okhttp/",), "at once"),
    Backoff("HttpURLConnection", ("java/",), "at once"),
    Backoff("Ruby's Net::HTTP", ("ruby",), "at once", always=True),
    Backoff("curl", ("curl/",), "at once"),
    Backoff("aiohttp", ("python/",), "at once"),
)
"""Their defaults: python-swiftclient 4.11 ``Connection._retry``, curl 8 ``--retry``, axios-retry 4
``exponentialDelay``, got 14 ``calculateRetryDelay``, go-retryablehttp 0.7 ``DefaultBackoff``,
HttpClient 5 ``DefaultHttpRequestRetryStrategy``, urllib3 2
``Retry.get_backoff_time``; Ruby's ``Net::HTTP`` repeats what is idempotent once (``max_retries``), after a
timeout too; the others repeat once, on a new connection, what a kept one failed."""


def habits(agent: str | None) -> tuple[Backoff, ...]:
    """What is known of the client that calls itself so."""
    begins = (agent or "").lower()
    return tuple(each for each in BACKOFFS if begins.startswith(each.agents)) if begins else ()


def repeats_what_was_refused(agent: str | None) -> bool:
    """Whether this client itself sends again what the server said that it had not worked on."""
    name = (agent or "").lower()
    jdk = _JDK.match(name)
    return name.startswith(_REPEAT_REFUSED) or (jdk is not None and int(jdk[1]) >= _JDK_REPEATS)


def repeats_what_a_kept_connection_lost(agent: str | None) -> bool:
    """Whether this client itself sends an idempotent request once more, on another connection, where a kept
    one ended without a byte of response: each that is said to repeat at once does.
    """
    return any(each.kind == "at once" for each in habits(agent))


def habitual_pause(agent: str | None, place: int, pause_ns: int) -> bool:
    """Whether this client makes just such a pause before its repetition number ``place`` (from 0).

    Only pauses that are set: what comes at once could be anything. Of one that doubles a pause which the
    program sets, any may be the second.
    """
    return any(
        (each.kind == "exact" and place < len(each.exact) and _is(pause_ns, each.exact[place]))
        or (each.kind == "doubling" and place > 0)
        for each in habits(agent)
    )


def made_by_library(agent: str | None, pauses: Sequence[int]) -> bool:
    """Whether these are pauses of the client that calls itself so; from three on, of any that is known."""
    named = habits(agent)
    known = named if len(pauses) < _FEWEST_PAUSES else BACKOFFS
    return any(
        each.fits(pauses) for each in known if each.kind != "at once" or (each.always and each in named)
    )


def grow(pauses: Sequence[int]) -> bool:
    """Whether these are pauses that somebody meant to grow: no poll waits longer each time."""
    return len(pauses) >= _FEWEST_PAUSES and all(
        before >= AT_ONCE_NS and after >= _GROWTH * before for before, after in pairwise(pauses)
    )


def described(series: Sequence[tuple[str | None, Sequence[int]]]) -> str:
    """The pauses in words, and who makes such; each of ``series`` is a User-Agent and its pauses (ns)."""
    _, longest = max(series, key=lambda each: len(each[1]))
    pauses = list(longest)
    if len(longest) == 1:
        each = sorted(pauses[0] for _, pauses in series)
        pauses = each[:: max(1, len(each) - 1)]
    words = [_in_words(pause) for pause in pauses[:_MOST_SHOWN]]
    told = (" to " if len(longest) == 1 else ", ").join(dict.fromkeys(words) if len(longest) == 1 else words)
    names = _named(series) if set(words) != {_AT_ONCE} else []
    return f"{told}, as {' or '.join(names)} pauses" if names else told


def _in_words(pause: int) -> str:
    return _AT_ONCE if pause < AT_ONCE_NS else wording.span(pause)


def _named(series: Sequence[tuple[str | None, Sequence[int]]]) -> list[str]:
    """Those that the User-Agents name, else those that fit where one request had pauses enough."""
    known = [each for agent, _ in series for each in habits(agent)]
    if any(agent is not None and not habits(agent) for agent, _ in series):
        return []
    if not known and all(len(pauses) < _FEWEST_PAUSES for _, pauses in series):
        return []
    fits = (each.name for each in known or BACKOFFS if all(each.fits(pauses) for _, pauses in series))
    return list(dict.fromkeys(fits))


def _is(pause: int, seconds: float) -> bool:
    return seconds * SECOND_NS <= pause <= seconds * SECOND_NS * _LATE + _SLOW_NS


def _double(pauses: Sequence[int]) -> bool:
    return bool(pauses) and all(
        before > 0 and _DOUBLE[0] < after / before < _DOUBLE[1] for before, after in pairwise(pauses)
    )
