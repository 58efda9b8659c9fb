"""What a tired person reads."""

from __future__ import annotations

import datetime as dt

import pytest

from plainwire.model import Coverage, Endpoint, Report
from plainwire.report.summary import BLAME, summary
from plainwire.report.terminal import CasePaths, verdict
from tests.diagnose.wire import SERVER, Wire
from tests.report.samples import failing, healthy, report, with_settings
from tests.report.verdicts.reading import FOLDER, GOLDEN, WIDTHS, stored


def test_what_failed_how_often_who_how_sure_what_to_do_and_which_packets() -> None:
    text = verdict(report(healthy(), failing()), place=CasePaths.of_case("case"))
    assert text.startswith("plainwire: 1 of 4 requests failed; 1 finding.\n")
    assert "1. reset-mid-request" in text
    assert "The server's side." in text
    assert "Likely" in text
    assert "Safe for these requests." in text
    assert "wireshark case/capture.pcapng -Y 'frame.number in {102,103}'" in text
    assert "plainwire show case 11; plainwire explain reset-mid-request" in text


def test_a_healthy_run_is_one_calm_line() -> None:
    text = verdict(report(healthy()))
    assert text == "plainwire: 2 requests on 1 connection, all answered completely; nothing wrong.\n"


@pytest.mark.parametrize(
    "coverage",
    [
        Coverage(undecrypted=[(3, "no secrets, the program's TLS library was not reached")]),
        Coverage(mid_stream=[3]),
        Coverage(packets_dropped=17),
    ],
)
def test_it_never_says_that_all_is_well_where_something_was_not_seen(coverage: Coverage) -> None:
    text = verdict(report(healthy(), coverage=coverage))
    assert "not everything could be seen" in text
    assert "all answered" not in text
    assert "Not seen" in text


def test_what_was_not_seen_is_named_with_its_reason() -> None:
    coverage = Coverage(undecrypted=[(3, "no secrets, the program's TLS library was not reached")])
    text = verdict(report(healthy(), coverage=coverage))
    assert "connection 3: no secrets, the program's TLS library was not reached." in text


def test_many_connections_with_one_reason_are_one_line() -> None:
    coverage = Coverage(undecrypted=[(n, "no secrets") for n in range(1, 41)])
    assert "connections 1, 2, 3, 4, 5, 6, 7, 8 and 32 more: no secrets." in verdict(report(coverage=coverage))


def test_without_any_request_nothing_is_said_about_failures() -> None:
    text = verdict(report())
    assert "no HTTP request could be seen" in text
    assert "nothing wrong" not in text


def test_an_exchange_whose_end_was_not_captured_is_not_called_well() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(100)
    text = verdict(report(wire.done("unseen")))
    assert "The capture does not show how exchange 2 ended." in text
    assert "all answered" not in text


def test_a_connection_that_never_came_about_is_mentioned() -> None:
    connection = Wire(id=5).done()
    connection.established = False
    assert "Connection 5 was never established." in verdict(report(healthy(), connection))


def test_nothing_from_the_wire_reaches_the_terminal_unescaped() -> None:
    text = verdict(report(failing()), place=CasePaths.of_case("ca\x1bse"))
    assert all(line.isprintable() for line in text.splitlines())
    assert "\\x1b[31m\\u202e" in text


def test_secrets_in_a_target_are_not_printed() -> None:
    assert "hunter2" not in verdict(report(failing()))


@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_paragraphs_keep_to_the_width(width: int) -> None:
    lines = verdict(report(healthy(), failing()), width=width).splitlines()
    prose = [line for line in lines if "frame.number" not in line and not line.startswith("plainwire:")]
    assert max(map(len, prose)) <= max(width, 40)


def test_many_findings_are_not_all_told_in_full() -> None:
    connections = []
    for number in range(1, 9):
        wire = Wire(id=number, first_exchange=10 * number, server=Endpoint(f"203.0.113.{number}", 443))
        wire.ask(0)
        wire.close(SERVER, "rst", 80)
        connections.append(wire.done("unanswered"))
    text = verdict(report(*connections))
    assert "5. reset-mid-request" in text
    assert "6. reset-mid-request" not in text
    assert text.count("also reset-mid-request: 1 of 1 request") == 3
    assert "8. reset-mid-request" in verdict(report(*connections), much="all")


def test_colour_only_where_asked_for() -> None:
    whole: Report = report(failing())
    assert "\x1b[" in verdict(whole, color=True)
    assert "\x1b[" not in verdict(whole)


def test_settings_stand_behind_the_advice_of_their_side() -> None:
    text = verdict(with_settings(report(failing())), width=200)
    do = text[text.index("  Fix  ") : text.index("  Retry")]
    names = [word for word in do.split() if word in {"Client:", "curl:", "Server:", "nginx:"}]
    assert names == ["Client:", "curl:", "Server:", "nginx:"]
    assert "nginx: keepalive_timeout 91s; (default: 75 s)." in " ".join(do.split())


def test_a_retry_that_meets_the_same_again_is_called_useless() -> None:
    made = report(failing())
    made.findings[0].retry_safe = True
    assert "  Retry        Safe for these requests." in verdict(made)
    made.findings[0].retry_useful = False
    assert "  Retry        Harmless, but useless: it fails again until this is changed." in verdict(made)


@pytest.mark.parametrize("name", stored())
@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_five_lines_name_cause_blame_certainty_and_remedy(name: str, width: int) -> None:
    found = stored()[name]
    lines, finding = verdict(found, width=width).splitlines()[:5], found.findings[0]
    first = " ".join(" ".join(lines).split())
    assert finding.code in first
    assert BLAME[finding.fault] in first
    assert finding.certainty in first
    assert " of " in first
    cause = summary(finding, found).cause
    assert cause[: width - 5] in first
    assert "Fix (" in first or not finding.advice_client + finding.advice_server
    assert finding.retry_safe is None or "retry " in first


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_verdict_reads_as_it_did_when_somebody_last_read_it(name: str, width: int) -> None:
    text = verdict(stored()[name], place=CasePaths.of_case("case"), width=width)
    assert text == (FOLDER / f"{name}.{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", stored())
def test_a_brief_verdict_is_the_answer_without_the_details(name: str) -> None:
    found = stored()[name]
    brief = verdict(found, much="brief")
    assert verdict(found).startswith(brief)
    assert len(brief.splitlines()) <= 1 + 5 * len(found.findings)


def test_requests_of_several_findings_are_listed_once() -> None:
    text = verdict(stored()["curl-retry-503"])
    assert text.count("GET /503/flaky?first=1  503") == 1
    text = verdict(stored()["botocore-slowdown-503-hidden"])
    assert text.count("PUT /field4/k12  unanswered") == 1
    assert "and 3 of 1, 2." in text


def test_times_of_day_are_those_of_the_servers_log_and_of_the_reader() -> None:
    zone = dt.timezone(dt.timedelta(hours=2), "CEST")
    text = verdict(stored()["idle-nlb-reset-h1"], width=100, zone=zone)
    found = stored()["idle-nlb-reset-h1"]
    failed = set(found.findings[0].exchanges)
    begun = min(e.request.time_ns for e in found.exchanges if e.request and e.id in failed)
    utc = dt.datetime.fromtimestamp(begun // 10**9, dt.UTC)
    assert f"{utc:%Y-%m-%d %H:%M:%S}" in text
    assert f"{utc + dt.timedelta(hours=2):%H:%M:%S} CEST)" in text


def test_what_failures_have_in_common_is_told_where_it_says_something() -> None:
    made = report(failing())
    made.undecided = ["reset-mid-request: too few to see what they share."]
    assert "In common" not in verdict(made)
    assert "too few" in verdict(made, much="all")
