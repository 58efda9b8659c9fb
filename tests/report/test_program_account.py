"""The program's own account in the reports."""

from __future__ import annotations

import orjson
import pytest

from plainwire import model
from plainwire.report import html, json, redact, terminal


def report(text: str) -> model.Report:
    saying = model.Saying(1_700_000_000_000_000_000, 7, text, "another error", "the program")
    found = model.Report(model.Coverage(), [], [], [], [])
    found.testimony = model.Testimony(["curl", "-u", "me:hunter2"], 1, [], {}, [saying], ["A remark."])
    found.attempts = model.Attempts(40, 4, 37, 3, 2, 1, "1, 2, 4, ... s")
    return found


def test_what_nothing_explains_is_shown_without_its_secrets_and_escaped() -> None:
    text = "KeyError: https://me:hunter2@host/?token=hunter2 \x1b[2J <b>"
    for shown in (terminal.verdict(report(text), width=200), html.render(report(text))):
        assert "KeyError: https://[redacted]@host/?token=[redacted]" in shown
        assert "hunter2" not in shown
        assert "\x1b" not in shown
    assert "2J <b>" not in html.render(report(text))


def test_arguments_of_the_command_stay_out() -> None:
    assert b"hunter2" not in json.encode(report("nothing"))
    assert orjson.loads(json.encode(report("x")))["program"]["command"] == "curl"


def test_true_failure_rate_stands_beside_what_the_program_saw() -> None:
    shown = terminal.verdict(report("x"), width=200)
    assert "4 of 40 attempts failed (10.0%)" in shown
    assert "may have seen 2.7% of them fail" in shown
    assert "1 request may have been carried out twice, though not safe to retry" in shown
    assert orjson.loads(json.encode(report("x")))["attempts"]["rate"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("{'X-Auth-Token': 'abc'}", "{'X-Auth-Token': '[redacted]'}"),
        ("password=abc, size=12", "password=[redacted], size=12"),
        ("GET /path/of/an/object?marker=12", "GET /path/of/an/object?marker=12"),
        ("key AbCdEf0123456789AbCdEf0123456789AbCd=", "key [redacted]"),
        (
            "http.client.RemoteDisconnected: Remote end closed",
            "http.client.RemoteDisconnected: Remote end closed",
        ),
    ],
)
def test_secrets_in_a_programs_words_are_hidden(text: str, shown: str) -> None:
    assert redact.line(text) == shown
