"""A flood of failures: the first ones are judged, and the rest are told as what they are, failures too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostility import http2, transport
from hostility.wire import write

from plainwire import pipeline
from plainwire.diagnose.procedure import MOST_JUDGED_OF_CONNECTION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plainwire.model import Report

_MORE = 30


def _analyzed(folder: Path, packets: Iterator[bytes]) -> Report:
    capture = folder / "flood.pcap"
    write(capture, packets)
    return pipeline.analyze([capture])


def test_of_very_many_failed_streams_the_first_are_judged_and_all_are_told(tmp_path: Path) -> None:
    report = _analyzed(tmp_path, http2.cancelled(MOST_JUDGED_OF_CONNECTION + _MORE))
    told = {finding.code: finding.exchanges for finding in report.findings}
    assert len(told["client-abort"]) == MOST_JUDGED_OF_CONNECTION
    assert len(told["unexplained"]) == _MORE
    assert sorted(told["client-abort"] + told["unexplained"]) == [e.id for e in report.exchanges]


def test_failures_on_many_connections_are_all_judged(tmp_path: Path) -> None:
    report = _analyzed(tmp_path, transport.resets(100))
    (finding,) = report.findings
    assert finding.code == "reset-mid-request"
    assert len(finding.exchanges) == 100
