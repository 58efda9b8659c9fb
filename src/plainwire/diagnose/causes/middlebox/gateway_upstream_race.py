"""Rule gateway-upstream-race: a gateway that mostly does well answered 502 at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Exchange, Response


_BAD_GATEWAY, _UNAVAILABLE = 502, 503
"""RFC 9110 sections 15.6.3 and 15.6.4."""

_GATEWAYS = ("envoy", "istio", "awselb")

_NAMED = (*_GATEWAYS, "nginx", "openresty", "haproxy", "cloudflare", "cloudfront", "akamai", "varnish",
          "caddy", "apache", "google", "gws", "microsoft-azure")  # fmt: skip
"""How the Server fields of gateways begin."""

_QUICK_NS = 60_000_000
"""A gateway whose connection is closed under its request knows within a round trip of its own network
(chosen)."""

_FEWEST_GOOD = 0.5
"""Share of responses that are no errors: else the server behind it is down."""

_SEVERAL_QUICK = 3
"""Quick failures, from which on it is likely."""


def gateway_upstream_race(failed: FailedExchange) -> Verdict | None:
    """A verdict where a gateway answered 502 (or its own kind of 503) at once, and mostly does well.

    From outside it is never more than likely that the gateway's own connection to the server behind it
    was closed under its request; that the fault lies behind the gateway, the status says itself.
    """
    response = failed.exchange.response
    if response is None or response.status not in (_BAD_GATEWAY, _UNAVAILABLE):
        return None
    if failed.request.target.lower().startswith("http://"):
        return None  # a forward proxy, which connects anew
    slack = _QUICK_NS + (failed.traffic.round_trip(failed.connection) or 0)
    if not _quick_failure(failed.exchange, slack):
        return None
    total, bad = failed.traffic.server_errors[failed.connection.server]
    quick = [exchange for exchange in bad if _quick_failure(exchange, slack)]
    good = total - len(bad)
    if good < _FEWEST_GOOD * total or 2 * len(quick) < len(bad):
        return None
    several = len(quick) >= _SEVERAL_QUICK
    one_of_few = not several and not _is_marked(response)  # one 502 is not yet a story
    if one_of_few or failed.traffic.is_down(failed.connection.server, failed.request):
        return None
    took = wording.span(response.time_ns - failed.request.last_ns)
    return Verdict(
        code="gateway-upstream-race",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.HABIT,) if several else (Ground.GUESS,),
        facts=f"The gateway answered with status {response.status} only {took} after the request; {good} of "
        f"{total} answers here were no errors, and {len(quick)} of its {len(bad)} failures came as quickly. "
        "Its own connection to the server behind it was probably closed when it sent the request on.",
        evidence=(
            Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}"),
            Evidence(response.packet, f"the gateway's response, status {response.status}, {took} later"),
        ),
        runner_up="gateway-timeout: refuted, the response came at once; a server behind it that was down for "
        "a moment is not excluded",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _is_marked(response: Response) -> bool:
    """Whether a gateway shows itself: by Via (RFC 9110 section 7.6.3), or by its name."""
    fields = {name.lower(): value.lower() for name, value in response.headers}
    return "via" in fields or fields.get("server", "").startswith(_NAMED)


def _quick_failure(exchange: Exchange, within: int) -> bool:
    request, response = exchange.request, exchange.response
    if request is None or response is None or not request.complete:
        return False
    if response.status not in (_BAD_GATEWAY, _UNAVAILABLE) or response.time_ns - request.last_ns > within:
        return False
    fields = {name.lower(): value.lower() for name, value in response.headers}
    if "retry-after" in fields:
        return False
    return response.status == _BAD_GATEWAY or fields.get("server", "").startswith(_GATEWAYS)
