"""SARIF 2.1.0, as another implementation of it reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sarif_pydantic import Sarif

from plainwire.export import sarif

if TYPE_CHECKING:
    from plainwire.model import Report


def test_a_finding_is_a_result_with_its_rule_and_packets(report: Report) -> None:
    (run,) = Sarif.model_validate_json(sarif.encode(report, "1.2.3", "case.pcap")).runs
    result, remark = run.results or []
    rule, _ = run.tool.driver.rules or []
    assert (remark.rule_id, remark.level) == ("hidden-retry", "note")
    assert (result.rule_id, result.rule_index, rule.id) == ("reset-mid-request", 0, "reset-mid-request")
    assert (
        result.level
        == {"proved": "error", "likely": "warning", "possible": "note"}[report.findings[0].certainty]
    )
    assert report.findings[0].claim in (result.message.text or "")


def test_the_fingerprint_names_cause_and_server_not_the_run(report: Report) -> None:
    before = sarif.encode(report, "1.2.3")
    report.findings[0].claim = "Another number of requests."
    report.findings[0].evidence.clear()
    fingerprints = [
        line
        for text in (before, sarif.encode(report, "1.2.3"))
        for line in text.splitlines()
        if b"cause/v1" in line
    ]
    assert fingerprints[:2] == fingerprints[2:]
    assert len(set(fingerprints)) == 2
