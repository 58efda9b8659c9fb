"""What fails a job, and what is known already."""

from __future__ import annotations

import pytest

from plainwire.report import gate
from plainwire.report.gate import Gate
from tests.report.samples import failing, healthy, report
from tests.report.verdicts.reading import stored


@pytest.mark.parametrize(
    ("patterns", "stops"),
    [
        (("any",), ["close-mid-request", "reset-mid-request", "hidden-retry"]),
        (("reset-mid-request",), ["reset-mid-request"]),
        (("*-mid-request",), ["close-mid-request", "reset-mid-request"]),
        (("hidden",), ["hidden-retry"]),
        (("tls-alert",), []),
    ],
)
def test_codes_stems_and_patterns_say_what_stops(patterns: tuple[str, ...], stops: list[str]) -> None:
    found = Gate(patterns).stopped_by(stored()["botocore-slowdown-503-hidden"])
    assert [finding.code for finding in found] == stops


def test_what_the_baseline_knows_stops_nothing_until_it_comes_at_another_server() -> None:
    before = report(failing("/object"))
    known = gate.known(gate.baseline(before))
    assert Gate(("any",), known).stopped_by(before) == []
    after = report(failing("/object"))
    after.connections[0].server = type(after.connections[0].server)("203.0.113.9", 443)
    assert len(Gate(("any",), known).stopped_by(after)) == 1


def test_another_port_of_the_same_server_is_no_other_server() -> None:
    known = gate.known(gate.baseline(report(failing())))
    after = report(failing())
    after.connections[0].server = type(after.connections[0].server)("203.0.113.7", 1234)
    assert Gate(("any",), known).stopped_by(after) == []


def test_nothing_found_stops_nothing() -> None:
    assert Gate(("any",)).stopped_by(report(healthy())) == []


def test_a_gap_in_the_capture_is_no_failure() -> None:
    whole = report(failing())
    whole.findings[0].code = "capture-artifact"
    assert Gate(("any",)).stopped_by(whole) == []
    assert len(Gate(("capture-artifact",)).stopped_by(whole)) == 1


def test_a_code_that_there_is_not_is_told() -> None:
    codes = ("close-mid-request", "tls-alert-unknown-ca")
    assert gate.misspelled(("any", "tls-alert", "close-*", "close-mid-request"), codes) == []
    assert gate.misspelled(("close-midrequest", "tls-alarm"), codes) == ["close-midrequest", "tls-alarm"]


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"known": [{}]}', b'{"known": 1}', b"\xff"])
def test_a_file_that_is_no_baseline_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match="--write-baseline"):
        gate.known(data)
