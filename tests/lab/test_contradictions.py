"""Reports that contradict themselves are told; those of real failures do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import plainwire
from plainwire.lab.contradictions import contradictions
from tests.needs import without


def _finding(
    code: str,
    fault: str = "server",
    *,
    retry_safe: bool | None = None,
    failure: bool = True,
    program_says: str = "",
) -> dict[str, Any]:
    return {
        "code": code,
        "fault": fault,
        "retry_safe": retry_safe,
        "exchanges": [1],
        "failure": failure,
        "program_says": program_says,
    }


@pytest.mark.parametrize(
    ("findings", "told"),
    [
        ([_finding("response-truncated"), _finding("client-abort", "client")], "two parties are guilty"),
        (
            [_finding("goaway-race", "both", retry_safe=True), _finding("h2-stream-reset", retry_safe=False)],
            "a retry is safe and is not",
        ),
        ([_finding("response-truncated"), _finding("unexplained", "unknown")], "explained and not"),
        ([_finding("capture-artifact", "unknown"), _finding("bad-framing")], "explained and not"),
    ],
)
def test_two_findings_on_one_exchange_must_agree(findings: list[dict[str, Any]], told: str) -> None:
    (line,) = contradictions({"findings": findings})
    assert told in line
    findings[1]["exchanges"] = [2]
    assert contradictions({"findings": findings}) == []


def test_a_remark_or_a_retry_beside_a_failure_denies_nothing() -> None:
    beside = [_finding("slow-first-byte", "client", failure=False), _finding("hidden-retry", "client")]
    assert contradictions({"findings": [_finding("response-truncated"), *beside]}) == []


@pytest.mark.parametrize(
    ("remark", "said", "told"),
    [
        ("The program ended with status 1; no request failed on the wire.", [], "a finding says which"),
        (
            "Nothing that was seen on the wire explains what the program said: 2 times a reset (curl).",
            [{"label": "a reset", "client": "curl", "code": "reset-mid-request", "exchange": 1}],
            "explained by a finding",
        ),
    ],
)
def test_the_program_s_line_must_agree_with_the_findings(
    remark: str, said: list[dict[str, Any]], told: str
) -> None:
    program = {"exit_status": 1, "remarks": [remark], "said": said}
    (line,) = contradictions({"findings": [_finding("reset-mid-request")], "program": program})
    assert told in line


def test_what_no_finding_explains_may_be_said_so() -> None:
    left = {"label": "a reset", "client": "curl", "code": None, "exchange": None}
    remark = "Nothing that was seen on the wire explains what the program said: a reset (curl)."
    program = {"exit_status": 1, "remarks": [remark], "said": [left]}
    assert contradictions({"findings": [_finding("reset-mid-request")], "program": program}) == []


def test_the_exit_status_is_the_same_everywhere() -> None:
    silent = _finding("reset-mid-request", program_says="Nothing about it was seen; it ended with status 0.")
    (line,) = contradictions({"findings": [silent], "program": {"exit_status": 2}})
    assert "ended with status 2" in line


_FIELD = Path(__file__).resolve().parents[3] / "shared" / "field"
_CASES = sorted(path.parent for path in _FIELD.rglob("capture.pcap*"))


@pytest.mark.parametrize("case", _CASES or [None], ids=[case.name for case in _CASES] or ["none"])
def test_no_report_on_a_case_of_the_field_contradicts_itself(case: Path | None) -> None:
    if case is None:
        without("no cases from the field beside the project", part_of_the_judgement=False)
    keys = [path for path in (case / "keys.log",) if path.exists()]
    (capture,) = case.glob("capture.pcap*")
    report = plainwire.analyze(case if (case / "program.jsonl").exists() else capture, keys=keys)
    assert contradictions(json.loads(report.to_json())) == []
