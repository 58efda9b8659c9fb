"""Rule redirect-changed-request: what a client repeats behind a redirect is not what it had asked.

Clients do not send ``Authorization`` on to another origin, and make a GET of a POST at 301 and 302. Both is
allowed (RFC 9110 section 15.4), and the status at the end of the chain says nothing of it.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, SUCCESS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .redirection import CHAIN_NS, leads_to, url

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges


_UNAUTHORIZED, _NOT_FOUND, _NOT_ALLOWED = 401, 404, 405
"""RFC 9110 sections 15.5.2, 15.5.5 and 15.5.6."""

_MOVED, _FOUND = 301, 302
"""The redirects at which a client may make a GET of a POST (RFC 9110 sections 15.4.2 and 15.4.3); 303 asks
for it, 307 and 308 forbid it."""

_SAFE = frozenset(("GET", "HEAD"))

_MOST_HOPS = 20
"""As many as clients follow."""


class _Chain(Struct, frozen=True):
    """Redirects, oldest first, each followed to the place that it names, and what the last led to."""

    hops: list[Answered]
    end: Answered

    @property
    def steps(self) -> list[tuple[Answered, Answered]]:
        """Each redirect with the request that followed it."""
        return list(zip(self.hops, [*self.hops[1:], self.end], strict=True))


def redirect_changed_request(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Chains of redirects on which credentials or the method were lost, and that ended in a refusal."""
    if not exchanges.redirects:
        return []
    followed: dict[tuple[str, str], list[Answered]] = {}
    for hop in sorted(exchanges.redirects, key=_told):
        onward = leads_to(hop)
        if onward is not None:
            followed.setdefault((_client(hop), onward), []).append(hop)
    found = []
    for end in _ends(exchanges, followed):
        chain = _chain(end, followed)
        verdict = None if chain is None else _credentials_lost(exchanges, chain) or _method_lost(chain)
        found += [] if verdict is None else [verdict]
    return found


def _client(case: Answered) -> str:
    return str(case.connection.client).rpartition(":")[0]


def _ends(exchanges: AnsweredExchanges, followed: dict[tuple[str, str], list[Answered]]) -> list[Answered]:
    """What may be the end of a chain: refusals, and successes of a GET where a redirect took a POST."""
    refused = [
        case for case in exchanges.errors if case.response.status in (_UNAUTHORIZED, _NOT_FOUND, _NOT_ALLOWED)
    ]
    if all(hop.request.method in _SAFE for hops in followed.values() for hop in hops):
        return refused
    return refused + [
        case
        for case in exchanges.answered
        if case.request.method in _SAFE and case.response.status in SUCCESS
    ]


def _chain(end: Answered, followed: dict[tuple[str, str], list[Answered]]) -> _Chain | None:
    hops: list[Answered] = []
    at = end
    while len(hops) < _MOST_HOPS:
        leading = followed.get((_client(at), url(at)), [])
        before = bisect_right(leading, at.request.time_ns, key=_told)
        if not before or at.request.time_ns - _told(leading[before - 1]) > CHAIN_NS:
            break
        at = leading[before - 1]
        hops.append(at)
    return _Chain(hops[::-1], end) if hops else None


def _told(hop: Answered) -> int:
    return hop.response.last_ns


def _origin(case: Answered) -> str:
    """Scheme, host and port (RFC 9110 section 4.3.1)."""
    return "/".join(url(case).split("/", 3)[:3])


def _credentials_lost(exchanges: AnsweredExchanges, chain: _Chain) -> Verdict | None:
    """``Authorization`` was sent to the first place, and not to another origin, which answered with 401."""
    end = chain.end
    if end.response.status != _UNAUTHORIZED or value(end.request, "authorization") is not None:
        return None
    lost = next(
        (
            (hop, after)
            for hop, after in chain.steps
            if value(hop.request, "authorization") is not None
            and value(after.request, "authorization") is None
        ),
        None,
    )
    if lost is None or any(case.response.status < ERROR_STATUS for case in exchanges.later(end)):
        return None  # it was asked for its credentials, and then gave them
    hop, after = lost
    elsewhere = _origin(hop) != _origin(after)
    if not elsewhere:
        return None
    upgrade = _origin(hop).partition(":")[0] != _origin(after).partition(":")[0]
    what = "from http to https" if upgrade and _host(hop) == _host(after) else "to another host or port"
    return _verdict(
        chain,
        hop,
        after,
        f"The client was redirected {what} (status {hop.response.status}), and did not send its "
        f"Authorization field there, as clients do not across origins. The response: status "
        f"{end.response.status}.",
        "credentials that are not good there: refuted, none were sent",
    )


def _host(case: Answered) -> str:
    return _origin(case).rpartition("/")[2].partition(":")[0]


def _method_lost(chain: _Chain) -> Verdict | None:
    """Another method than GET was redirected with 301 or 302, and the client went on with a GET."""
    changed = next(
        (
            (hop, after)
            for hop, after in chain.steps
            if hop.request.method not in _SAFE
            and after.request.method in _SAFE
            and hop.response.status in (_MOVED, _FOUND)
        ),
        None,
    )
    if changed is None:
        return None
    hop, after = changed
    status, method = chain.end.response.status, _word(hop)
    moved = _same_place(hop, after)
    if status in SUCCESS and not moved:
        return None  # a form that is answered with a page to see
    if status == _NOT_FOUND and not moved:
        return None
    if status == _UNAUTHORIZED:
        return None
    ending = (
        f"What it got is the answer to that GET (status {status}): the {method} was carried out nowhere."
        if status in SUCCESS
        else f"The response to that: status {status}."
    )
    return _verdict(
        chain,
        hop,
        after,
        f"A {method} was redirected with status {hop.response.status}, and the client went on with a "
        f"{_word(after)}, without the body, as that status allows. {ending}",
        "a form that is answered with a page to see: "
        + ("the redirect only moves the same place" if moved else "that page would take a GET"),
    )


def _same_place(hop: Answered, after: Answered) -> bool:
    """Whether a redirect only changes scheme or (301) the slash at the end: the request is to be moved."""
    here, there = url(hop), url(after)
    path, onward = here.partition("://")[2].partition("/")[2], there.partition("://")[2].partition("/")[2]
    if here.startswith("http:") and there.startswith("https:") and _host(hop) == _host(after):
        return path.rstrip("/") == onward.rstrip("/")
    same_host = _host(hop) == _host(after)
    moved = path != onward and path.rstrip("/") == onward.rstrip("/")
    return hop.response.status == _MOVED and same_host and moved


def _verdict(chain: _Chain, hop: Answered, after: Answered, facts: str, runner_up: str) -> Verdict:
    end = chain.end
    evidence = [
        Evidence(hop.request.packet, f"the {_word(hop)} as the program asked"),
        Evidence(hop.response.packet, f"a redirect, status {hop.response.status}"),
        Evidence(after.request.packet, f"the {_word(after)} that followed"),
    ]
    evidence.append(Evidence(end.response.packet, f"the response, status {end.response.status}"))
    return Verdict(
        code="redirect-changed-request",
        connection=end.connection,
        exchanges=(end.exchange.id,),
        fault="both",
        grounds=(Ground.SAID, Ground.INFERENCE),
        facts=facts,
        evidence=tuple(evidence),
        runner_up=runner_up,
        retry_safe=None,
        time_ns=end.request.time_ns,
    )


_WORDS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))


def _word(case: Answered) -> str:
    """A method that is known: no text from the wire goes into a finding."""
    return case.request.method if case.request.method in _WORDS else "request"
