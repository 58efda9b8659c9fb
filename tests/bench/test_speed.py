"""The workloads hold what they are called: else the figures would be of something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from speed.workloads import WORKLOADS, Workload

from plainwire import pipeline

if TYPE_CHECKING:
    from pathlib import Path

_SIZE = 200


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_a_workload_is_read_whole_and_nothing_but_the_planted_failures_are_found(
    workload: Workload, tmp_path: Path
) -> None:
    size = 3 if workload.name == "download" else _SIZE
    capture = tmp_path / "made.pcapng"
    workload.write(capture, size)
    report = pipeline.analyze([capture])
    expected = {"download": 1, "no-keys": 0}.get(workload.name, _SIZE)
    assert len(report.exchanges) == expected
    assert all(exchange.outcome == "complete" for exchange in report.exchanges)
    failed = [e for e in report.exchanges if e.response is not None and e.response.status == 503]
    planted = _SIZE // 100 if "failing" in workload.name or workload.name == "disorder" else 0
    assert len(failed) == planted
    assert {e for f in report.findings if f.failure for e in f.exchanges} == {e.id for e in failed}
