"""Remark suspend-resume: the client's clock of TCP timestamps stood still while its connections grew old.

TSval (RFC 7323 section 3) counts the time that a system is awake, at least on Linux; the capture's times go
on through a suspend. So fewer ticks went by between two SYNs to one server than time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.syn_timestamps import Stamped
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Failures


_TICK_NS = 1_000_000
"""Of Linux since 4.13, macOS and FreeBSD; others are told by SYNs that show another pace."""

_STEADY_NS = 1_000_000_000
"""Over less time than this a tick more or less is too much to tell a steady clock."""

_PACE_SHARE = 0.05
"""Share by which a steady clock may differ from its nominal ticks (chosen: oscillators, and rounding to
ticks)."""

_STOOD_NS = 10_000_000_000
"""A clock that stood still for less than ten seconds was no suspended machine."""

_WRAP = 1 << 32
"""TSval has 32 bits (RFC 7323 section 3.2)."""


class _Pause(Struct, frozen=True):
    """Two SYNs between which the clock stood still, and for how long."""

    before: Stamped
    after: Stamped
    stood_ns: int

    @property
    def lasted_ns(self) -> int:
        return self.after.time_ns - self.before.time_ns


def suspend_resume(traffic: Traffic, failures: Failures) -> list[Verdict]:
    """A remark for each connection that failed by idleness, and was idle while the client stood still."""
    failed = [v for v in failures.verdicts if traffic.causes[v.code].by_idleness and v.exchanges]
    pauses = _pauses(traffic) if failed else {}
    found: dict[int, Verdict] = {}
    for verdict in failed if pauses else ():
        idle = _idle(verdict)
        for pause in pauses.get(verdict.connection.client.address, ()) if idle is not None else ():
            if idle is not None and _covers(idle, pause):
                found.setdefault(verdict.connection.id, _verdict(verdict, pause, idle))
    return list(found.values())


def _idle(verdict: Verdict) -> tuple[int, int] | None:
    """From when to when the connection was idle, before its failing request."""
    for exchange in verdict.connection.exchanges:
        if exchange.id == verdict.exchanges[-1]:
            request, idle = exchange.request, exchange.idle_before_ns
            return None if request is None or idle is None else (request.time_ns - idle, request.time_ns)
    return None


def _covers(idle: tuple[int, int], pause: _Pause) -> bool:
    """Whether the time of the two SYNs holds a part of the idleness that is as long as the pause."""
    common = min(idle[1], pause.after.time_ns) - max(idle[0], pause.before.time_ns)
    return common >= pause.stood_ns


def _pauses(traffic: Traffic) -> dict[str, list[_Pause]]:
    """By the client's address; only where other SYNs of it show that its clock ticks as is assumed.

    Systems that draw an offset for each connection (RFC 7323 section 5.4) show no clock at all.
    """
    found: dict[str, list[_Pause]] = {}
    steady: set[str] = set()
    odd: set[str] = set()
    for (client, _), stamps in traffic.stamps.items():
        for before, after in pairwise(stamps.accepted):
            lasted = after.time_ns - before.time_ns
            ticked = (after.stamp - before.stamp) % _WRAP * _TICK_NS
            stood = lasted - ticked
            if lasted >= _STEADY_NS and abs(stood) <= _PACE_SHARE * lasted:
                steady.add(client)
            elif stood >= _STOOD_NS:
                found.setdefault(client, []).append(_Pause(before, after, stood))
            elif lasted >= _STEADY_NS:
                odd.add(client)
    return {client: pauses for client, pauses in found.items() if client in steady - odd}


def _verdict(verdict: Verdict, pause: _Pause, idle: tuple[int, int]) -> Verdict:
    stood, ticked = wording.span(pause.stood_ns), wording.span(pause.lasted_ns - pause.stood_ns)
    return Verdict(
        code="suspend-resume",
        connection=verdict.connection,
        exchanges=verdict.exchanges[-1:],
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"The client's clock of TCP timestamps went on by {ticked} in the "
        f"{wording.span(pause.lasted_ns)} between two SYNs: the machine stood still for about {stood}. This "
        f"connection was idle for {wording.span(idle[1] - idle[0])} when the request left.",
        evidence=(
            Evidence(pause.before.packet, f"SYN of connection {pause.before.connection.id}, before"),
            Evidence(
                pause.after.packet, f"SYN of connection {pause.after.connection.id}, {ticked} later by TSval"
            ),
        ),
        runner_up="a clock that ticks more slowly: refuted, other SYNs of this client show that it does not",
        retry_safe=verdict.retry_safe,
        time_ns=verdict.time_ns,
        failure=False,
    )
