"""Rules client-bug-request and gateway-upstream-race: what an error status says of who failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import primitives, words
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import Certainty, Exchange

_BROKEN = frozenset({400, 411, 505})
"""Statuses by which a server says that a message was not as HTTP wants it."""

_BAD_GATEWAY, _UNAVAILABLE = 502, 503
_GATEWAYS = ("envoy", "istio", "awselb")
_QUICK_NS = 60_000_000
_FEWEST_GOOD = 0.5
_SEVERAL = 3


def client_bug_request(scene: Scene) -> Verdict | None:
    """A verdict where a request that breaks the rules of HTTP was answered as such."""
    request, response = scene.request, scene.exchange.response
    if response is None or response.status not in _BROKEN or not request.defects:
        return None
    return Verdict(
        code="client-bug-request",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="client",
        certainty="proved" if scene.connection.decrypted else "likely",
        facts=f"The request breaks the rules of HTTP in {len(request.defects)} "
        f"way{'s' if len(request.defects) > 1 else ''} (plainwire show tells how), and the server said so "
        f"(status {response.status}).",
        evidence=(
            Evidence(request.packet, "the request with the defect"),
            Evidence(response.packet, f"the answer, status {response.status}"),
        ),
        runner_up="unsolicited-408: refuted, the answer acknowledges the request",
        retry_safe=False,
        time_ns=request.time_ns,
    )


def gateway_upstream_race(scene: Scene) -> Verdict | None:
    """A verdict where a gateway answered 502 (or its own kind of 503) at once, and mostly does well.

    From outside it is never more than likely that the gateway's own connection to the server behind it
    was closed under its request; that the fault lies behind the gateway, the status says itself.
    """
    response = scene.exchange.response
    if response is None or response.status not in (_BAD_GATEWAY, _UNAVAILABLE):
        return None
    slack = _QUICK_NS + (primitives.shortest_rtt(scene.connection) or 0)
    if not _quick_failure(scene.exchange, slack):
        return None
    total, bad = scene.world.server_errors[scene.connection.server]
    quick = [exchange for exchange in bad if _quick_failure(exchange, slack)]
    good = total - len(bad)
    if good < _FEWEST_GOOD * total or 2 * len(quick) < len(bad):
        return None
    if scene.world.is_down(scene.connection.server, scene.request):
        return None
    certainty: Certainty = "likely" if len(quick) >= _SEVERAL else "possible"
    took = words.span(response.time_ns - scene.request.last_ns)
    return Verdict(
        code="gateway-upstream-race",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="server",
        certainty=certainty,
        facts=f"The gateway answered with status {response.status} only {took} after the request; {good} of "
        f"{total} answers here were no errors, and {len(quick)} of its {len(bad)} failures came as quickly. "
        "Its own connection to the server behind it was probably closed when it sent the request on.",
        evidence=(
            Evidence(scene.request.packet, f"the request, {words.run(scene.request)}"),
            Evidence(response.packet, f"the gateway's answer, status {response.status}, {took} later"),
        ),
        runner_up="gateway-timeout: refuted, the answer came at once; a server behind it that was down for a "
        "moment is not excluded",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


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
