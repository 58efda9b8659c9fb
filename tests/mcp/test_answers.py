"""What agents are told is bounded."""

from __future__ import annotations

import json

import pytest

from plainwire.mcp import answers, knowledge
from plainwire.mcp.answers import AbsentError
from tests.report.samples import failing, report
from tests.report.verdicts.reading import stored


@pytest.mark.parametrize("name", stored())
def test_an_overview_names_cause_blame_certainty_and_fix(name: str) -> None:
    found = stored()[name]
    for brief, finding in zip(answers.overview(found)["findings"], found.findings, strict=True):
        assert (brief["code"], brief["blame"], brief["certainty"]) == (
            finding.code, finding.fault, finding.certainty,
        )  # fmt: skip
        assert brief["cause"]
        assert brief["fix"] or not finding.advice_client + finding.advice_server


def test_however_much_was_found_an_answer_stays_short() -> None:
    found = stored()["botocore-slowdown-503-hidden"]
    for finding in found.findings:
        finding.exchanges = list(range(1, 100_000))
        finding.evidence = finding.evidence * 500
    found.findings = found.findings * 200
    for answer in (answers.overview(found), answers.findings(found)):
        assert len(json.dumps(answer)) < 200_000
        assert any("left out" in str(item) for item in answer["findings"])


def test_an_exchange_is_cut_and_has_no_secret() -> None:
    whole = report(failing())
    for exchange in whole.exchanges:
        if exchange.request is not None:
            exchange.request.headers += [(f"X-{number}", "y" * 100) for number in range(1000)]
    text = answers.exchange(whole, 11)["text"]
    assert len(text) <= answers.TEXT
    assert "hunter2" not in text
    with pytest.raises(AbsentError, match="no exchange 99"):
        answers.exchange(whole, 99)


def test_what_is_known_of_codes_families_and_words() -> None:
    assert knowledge.explained("keepalive_idle_race")["refuted_by"]
    assert "tls-alert-unknown-ca" in knowledge.explained("tls-alert")["codes"]
    assert knowledge.explained("ECONNRESET")["may_be_behind"]
    with pytest.raises(AbsentError, match="mtu-blackhole"):
        knowledge.explained("mtu-blackhoel")
