"""The limits of real servers, inferred from a capture alone, beside what they were configured with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end import limited
from tests.end_to_end.recorded import record

if TYPE_CHECKING:
    from collections.abc import Callable

LINGER = Path(__file__).parent / "clients" / "linger.py"
WAIT = 20
COUNTS = (1, 2, 3, 4, 5)
"""Requests on each connection before it is left idle."""


def _facts(
    make: Callable[..., list[str]], limits: limited.Limits, folder: Path, *counts: int, pause: float = 0.05
) -> dict[str, Any]:
    """What the report says of the server."""
    with limited.running(make, limits, folder / "server") as (port, authority):
        program = (sys.executable, LINGER, limited.HOST, port, authority, WAIT, pause, *counts)
        recorded = record(folder, *program)
    assert recorded.status == 0
    assert "still open" not in recorded.stdout
    assert recorded.report["findings"] == []
    (facts,) = (s for s in recorded.report["servers"] if s["address"].endswith(f":{port}"))
    return {**facts, "stdout": recorded.stdout}


def _is_timer(bounds: dict[str, Any], configured: float) -> bool:
    """Whether a range begins where a timer of so many seconds strikes: within 5 ms or 2 % of it.

    Where it ends is up to the machine: a busy one lets servers wait, however exact their timers are.
    """
    return bool(abs(bounds["low"] - configured) <= max(0.005, 0.02 * configured))


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
def test_idle_timeout_is_what_was_configured(
    make: Callable[..., list[str]], idle: float, tmp_path: Path
) -> None:
    facts = _facts(make, limited.Limits(idle=idle), tmp_path, *COUNTS)
    assert facts["idle_timeout"] is not None
    assert facts["idle_timeout"]["seen"] >= 3
    assert _is_timer(facts["idle_timeout"], idle), facts["idle_timeout"]
    assert facts["clock"] == "idle"
    assert facts["max_requests"] is None
    assert facts["max_age"] is None


def test_node_waits_longer_than_it_announces(tmp_path: Path) -> None:
    """Newer versions add one second to keepAliveTimeout; the report has what it does and what it says."""
    facts = _facts(limited.node, limited.Limits(idle=2.0), tmp_path, *COUNTS)
    assert facts["keep_alive"]["timeout"] == 2
    timeout = facts["idle_timeout"]
    assert _is_timer(timeout, 3.0) or _is_timer(timeout, 2.0), timeout
    assert facts["fingerprint"] == ["Node.js"] or timeout["low"] < 2.5


def test_gunicorn_looks_at_its_idle_connections_once_a_second(tmp_path: Path) -> None:
    """So it closes up to a second late, and more than a range cannot be said."""
    facts = _facts(limited.gunicorn, limited.Limits(idle=2.0), tmp_path, *COUNTS, pause=0.7)
    assert facts["idle_timeout"] is not None
    assert 1.96 <= facts["idle_timeout"]["low"] <= 3.2
    assert facts["idle_timeout"]["high"] - facts["idle_timeout"]["low"] <= 1.2


@pytest.mark.parametrize(("make", "requests"), [(limited.nginx, 7), (limited.apache, 6)])
def test_requests_a_connection_are_what_was_configured(
    make: Callable[..., list[str]], requests: int, tmp_path: Path
) -> None:
    """Apache answers one more than MaxKeepAliveRequests: the client's own count says so as well."""
    facts = _facts(make, limited.Limits(idle=5.0, requests=requests), tmp_path, 0, 0, 0, 0)
    assert facts["max_requests"] in {requests, requests + (make is limited.apache)}
    assert facts["stdout"].splitlines() == [f"the server ended it after {facts['max_requests']}"] * 4
    assert facts["max_requests_seen"] == 4
    assert facts["announces_close"] is True
    assert facts["clock"] == "requests"
