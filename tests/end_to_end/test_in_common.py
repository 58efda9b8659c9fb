"""A program that fails when it pauses for too long: the report must say so, from the traffic alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.end_to_end.recorded import python_client, record

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Server

PAUSES = (0, 0, 2.7)
"""Every third pause is longer than nginx's keepalive_timeout of two seconds."""


def test_idle_time_before_the_failures_is_found_and_the_servers_timeout_beside_it(
    nginx: Server, tmp_path: Path
) -> None:
    recorded = record(tmp_path, *python_client("http.client", nginx, 19, *PAUSES))
    failed = len(recorded.raised)
    assert failed == 6
    first = recorded.report["comparison"][0]
    assert first["feature"] == "idle_before"
    assert first["failing"] == [failed, failed]
    assert first["succeeding"] == [0, 19 - failed]
    assert 2.7 <= first["low"] <= 3.2
    assert first["p"] <= 0.05
    (server,) = (s for s in recorded.report["servers"] if s["address"].endswith(f":{nginx.port}"))
    assert 1.96 <= server["idle_timeout"]["low"] <= server["idle_timeout"]["high"] <= 2.04
    assert (server["expected_failures"], server["observed_failures"]) == (failed, failed)
