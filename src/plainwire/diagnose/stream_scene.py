"""How verdicts on the streams of HTTP/2 and HTTP/3 are made and worded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import words
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import Certainty, Fault


def stream_verdict(
    scene: Scene,
    code: str,
    fault: Fault,
    certainty: Certainty,
    facts: str,
    *evidence: Evidence,
    retry_safe: bool | None = None,
    runner_up: str = "",
) -> Verdict:
    """A verdict on the scene's exchange, which cites its request first."""
    return Verdict(
        code=code,
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault=fault,
        certainty=certainty,
        facts=facts,
        evidence=(Evidence(scene.request.packet, f"the request on {stream_name(scene)}"), *evidence),
        runner_up=runner_up,
        retry_safe=retry_safe,
        time_ns=scene.request.time_ns,
    )


def stream_name(scene: Scene) -> str:
    """What the exchange ran on, in words."""
    return "the connection" if scene.exchange.stream is None else f"stream {scene.exchange.stream}"


def stage(scene: Scene, at_ns: int) -> str:
    """How far the exchange had come at a time."""
    response = scene.exchange.response
    if response is None:
        return f"{words.span(at_ns - scene.request.last_ns)} after the request, before any response"
    return f"in the middle of the response, {words.span(at_ns - response.last_ns)} after its last byte"
