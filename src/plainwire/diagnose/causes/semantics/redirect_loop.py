"""Rule redirect-loop: redirects that lead back to where they began."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .redirection import CHAIN_NS, leads_to, url

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.model import Fault


_ROUNDS = 3
"""Times that the same redirect comes in one chain: clients with cookies may need two."""

_MOST_OPEN = 1_000

_FORGOTTEN = re.compile(r"(?i);\s*(?:max-age\s*=\s*-?0*\s*(?:;|$)|expires\s*=[^;]*\b(?:19\d\d|200\d)\b)")
"""A cookie that is set to be forgotten: no age, or a date long ago."""
_PATH = re.compile(r"(?i);\s*path\s*=\s*/[^;\s]")
_DOMAIN = re.compile(r"(?i);\s*domain\s*=\s*\.?([^;\s]+)")

State = tuple[str, str, str | None]


def redirect_loop(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Chains of redirects in which the same request comes up three times at least, with the same cookies."""
    if len(exchanges.redirects) < _ROUNDS:
        return []
    found: list[Verdict] = []
    for chain in _chains(exchanges.redirects):
        rounds: dict[State, list[Answered]] = {}
        for case in chain:
            rounds.setdefault(_state(case), []).append(case)
        most = max(rounds.values(), key=len)
        if len(most) >= _ROUNDS:
            found.append(_verdict(chain, most, len([s for s in rounds.values() if len(s) > 1])))
    return found


def _state(case: Answered) -> State:
    return case.request.method, url(case), value(case.request, "cookie")


def _chains(cases: list[Answered]) -> list[list[Answered]]:
    """Redirects that follow each other: each is for the place that the one before led to, and soon."""
    chains: list[list[Answered]] = []
    open_chains: dict[str, list[Answered]] = {}
    for case in sorted(cases, key=lambda c: c.request.time_ns):
        chain = open_chains.pop(url(case), None)
        if chain is None or not 0 <= case.request.time_ns - chain[-1].response.last_ns <= CHAIN_NS:
            chain = []
            chains.append(chain)
        chain.append(case)
        onward = leads_to(case)
        if onward is not None and len(open_chains) < _MOST_OPEN:
            open_chains[onward] = chain
    return [chain for chain in chains if len(chain) >= _ROUNDS]


def _verdict(chain: list[Answered], most: list[Answered], places: int) -> Verdict:
    first = most[0]
    fault, cookies = _unkept(chain)
    return Verdict(
        code="redirect-loop",
        connection=first.connection,
        exchanges=tuple(c.exchange.id for c in chain),
        fault=fault,
        grounds=(Ground.SAID, Ground.INFERENCE) if cookies else (Ground.SAID,),
        facts=f"{plurals.count(len(chain), 'redirect')} in a row, each followed to the place that it names, "
        f"led back to {plurals.count(places, 'place')}: the same request (method, URL and cookies) was "
        f"redirected {plurals.times(len(most))}.{cookies}",
        evidence=tuple(
            item
            for case in most[:_ROUNDS]
            for item in (
                Evidence(case.request.packet, "the request"),
                Evidence(case.response.packet, f"a redirect, status {case.response.status}"),
            )
        ),
        runner_up="a server that redirects whatever cookies it gets: possible as well"
        if cookies
        else "a client that does not keep its cookies: the requests have the same ones each time"
        if value(first.request, "cookie") is not None
        else "a client that does not keep its cookies: possible, its requests have none",
        retry_safe=None,
        time_ns=first.request.time_ns,
    )


def _unkept(chain: list[Answered]) -> tuple[Fault, str]:
    """Who is to look, and a sentence where redirects set cookies that no later request of the chain has."""
    sent = {name for case in chain for name in _names(value(case.request, "cookie") or "")}
    told = [
        (case, text)
        for case in chain
        for field, text in case.response.headers
        if field.lower() == "set-cookie" and not _FORGOTTEN.search(text)
    ]
    unkept = [(case, text) for case, text in told if not sent & set(_names(text.partition(";")[0]))]
    if len({case.exchange.id for case, _ in unkept}) < _ROUNDS or len(unkept) < len(told):
        return "server", ""
    plain = not sent and not any(_is_bound(case, text) for case, text in unkept)
    why = "keeps no cookies" if plain else "keeps none, or their attributes forbid it to send them here"
    return "client" if plain else "unknown", (
        f" {len(unkept)} of these redirects set a cookie that no request after it had: the client {why}, and "
        "without it the server sends it back."
    )


def _names(cookies: str) -> list[str]:
    return [pair.partition("=")[0].strip() for pair in cookies.split(";") if "=" in pair]


def _is_bound(case: Answered, cookie: str) -> bool:
    """Whether a cookie has attributes for which a client may not send it (RFC 6265 section 5.4)."""
    encrypted = case.connection.tls is not None or case.connection.quic is not None
    host = (case.request.authority or "").partition(":")[0].lower()
    domain = _DOMAIN.search(cookie)
    elsewhere = domain is not None and not f".{host}".endswith(f".{domain[1].lower()}")
    return elsewhere or _PATH.search(cookie) is not None or (not encrypted and "secure" in cookie.lower())
