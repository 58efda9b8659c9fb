"""A program that fails when it pauses for too long: the report must say so, from the traffic alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.recorded import python_client, record
from tests.end_to_end.silences import MICROSECONDS, idle_closes, is_any_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Server

PAUSES = (0, 0, 2.7)
"""Every third pause is longer than nginx's keepalive_timeout of two seconds."""


def test_idle_time_before_the_failures_is_found_and_the_servers_timeout_beside_it(
    nginx: Server, tmp_path: Path
) -> None:
    recorded = record(tmp_path, *python_client("http.client", nginx, 19, *PAUSES))
    closes = idle_closes(recorded.case.capture, nginx.port)
    asked = [close.asked for close in closes if close.asked is not None]
    failed = len(recorded.raised)
    assert len(asked) == failed >= 6
    first = recorded.report["comparison"][0]
    assert first["feature"] == "idle_before"
    assert first["failing"] == [failed, failed]
    assert first["succeeding"] == [0, 19 - failed]
    assert first["low"] == pytest.approx(min(asked), abs=MICROSECONDS)
    assert first["p"] <= 0.05
    (server,) = (s for s in recorded.report["servers"] if s["address"].endswith(f":{nginx.port}"))
    told = server["idle_timeout"]
    silences = [close.closed for close in closes if told["low"] <= close.closed + MICROSECONDS]
    assert told["low"] == pytest.approx(min(silences), abs=MICROSECONDS)
    assert is_any_of(told["high"], silences)
    assert (server["expected_failures"], server["observed_failures"]) == (failed, failed)
