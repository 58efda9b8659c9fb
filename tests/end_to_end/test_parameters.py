"""The limits of real servers, inferred from a capture alone, beside what they were configured with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end import limited
from tests.end_to_end.recorded import record
from tests.end_to_end.silences import MICROSECONDS, idle_closes, is_any_of, near_their_median

if TYPE_CHECKING:
    from collections.abc import Callable

LINGER = Path(__file__).parent / "clients" / "linger.py"
WAIT = 20
COUNTS = (1, 2, 3, 4, 5)
"""Requests on each connection before it is left idle."""


def _facts(
    make: Callable[..., list[str]], limits: limited.Limits, folder: Path, *counts: int, pause: float = 0.05
) -> tuple[dict[str, Any], list[float]]:
    """What the report says of the server, and the silences that the server ended, by the packets."""
    with limited.running(make, limits, folder / "server") as (port, authority):
        program = (sys.executable, LINGER, limited.HOST, port, authority, WAIT, pause, *counts)
        recorded = record(folder, *program)
    assert recorded.status == 0
    assert "still open" not in recorded.stdout
    assert recorded.report["findings"] == []
    (facts,) = (s for s in recorded.report["servers"] if s["address"].endswith(f":{port}"))
    closes = idle_closes(recorded.case.capture, port)
    return {**facts, "stdout": recorded.stdout}, [close.closed for close in closes]


def _assert_range(told: dict[str, Any] | None, silences: list[float]) -> None:
    """The range is that of the silences that agree; none is told only where they do not.

    How exactly a timer strikes is up to the machine: a busy one lets servers wait.
    """
    near = near_their_median(silences)
    if told is None:
        assert 2 * len(near) < len(silences), silences
        return
    assert is_any_of(told["low"], silences)
    assert is_any_of(told["high"], silences)
    assert told["low"] <= told["high"]
    if 2 * len(near) >= len(silences):
        assert told["seen"] == len(near)
        assert told["low"] == pytest.approx(min(near), abs=MICROSECONDS)
        assert told["high"] == pytest.approx(max(near), abs=MICROSECONDS)


@pytest.mark.parametrize(
    ("make", "idle"),
    [
        (limited.nginx, 2.0),
        (limited.haproxy, 1.5),
        (limited.apache, 1.5),
        (limited.uvicorn, 2.0),
        (limited.go, 1.5),
    ],
)
def test_idle_timeout_is_what_the_servers_closes_show(
    make: Callable[..., list[str]], idle: float, tmp_path: Path
) -> None:
    facts, silences = _facts(make, limited.Limits(idle=idle), tmp_path, *COUNTS)
    assert len(silences) > len(COUNTS) / 2  # on a busy machine a close may cross the last answer
    assert min(silences) > idle / 2  # it is this timer
    _assert_range(facts["idle_timeout"], silences)
    assert facts["clock"] == ("idle" if facts["idle_timeout"] else None)
    assert facts["max_requests"] is None
    assert facts["max_age"] is None


def test_node_waits_longer_than_it_announces(tmp_path: Path) -> None:
    """Newer versions add one second to keepAliveTimeout; the report has what it does and what it says."""
    facts, silences = _facts(limited.node, limited.Limits(idle=2.0), tmp_path, *COUNTS)
    assert facts["keep_alive"]["timeout"] == 2
    assert min(silences) > 1
    _assert_range(facts["idle_timeout"], silences)
    assert facts["fingerprint"] == ["Node.js"] or facts["idle_timeout"] is None or min(silences) < 2.5


def test_gunicorn_looks_at_its_idle_connections_once_a_second(tmp_path: Path) -> None:
    """So it closes up to a second late, and more than a range cannot be said."""
    facts, silences = _facts(limited.gunicorn, limited.Limits(idle=2.0), tmp_path, *COUNTS, pause=0.7)
    assert len(silences) == len(COUNTS)
    told = facts["idle_timeout"]
    assert told is not None or max(silences) - min(silences) > 1.1
    _assert_range(told, silences)


@pytest.mark.parametrize(("make", "requests"), [(limited.nginx, 7), (limited.apache, 6)])
def test_requests_a_connection_are_what_was_configured(
    make: Callable[..., list[str]], requests: int, tmp_path: Path
) -> None:
    """Apache answers one more than MaxKeepAliveRequests: the client's own count says so as well."""
    facts, _ = _facts(make, limited.Limits(idle=5.0, requests=requests), tmp_path, 0, 0, 0, 0)
    assert facts["max_requests"] in {requests, requests + (make is limited.apache)}
    assert facts["stdout"].splitlines() == [f"the server ended it after {facts['max_requests']}"] * 4
    assert facts["max_requests_seen"] == 4
    assert facts["announces_close"] is True
    assert facts["clock"] == "requests"
