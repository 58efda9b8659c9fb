"""What a tired person reads."""

from __future__ import annotations

import pytest

from plainwire.model import Coverage, Endpoint, Report
from plainwire.report.terminal import verdict
from tests.diagnose.wire import SERVER, Wire
from tests.report.samples import failing, healthy, report, with_settings


def test_what_failed_how_often_who_how_sure_what_to_do_and_which_packets() -> None:
    text = verdict(report(healthy(), failing()), case="case")
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
    text = verdict(report(failing()), case="ca\x1bse")
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
    assert text.count("reset-mid-request: 1 of 1 request") == 3


def test_colour_only_where_asked_for() -> None:
    whole: Report = report(failing())
    assert "\x1b[" in verdict(whole, color=True)
    assert "\x1b[" not in verdict(whole)


def test_settings_stand_behind_the_advice_of_their_side() -> None:
    text = verdict(with_settings(report(failing())), width=200)
    do = text[text.index("  Do ") : text.index("  Retry")]
    assert [line.split(":")[0].split()[-1] for line in do.splitlines()] == [
        "Client",
        "curl",
        "Server",
        "nginx",
    ]
    assert "nginx: keepalive_timeout 91s; (default: 75 s)." in do


def test_a_retry_that_meets_the_same_again_is_called_useless() -> None:
    made = report(failing())
    made.findings[0].retry_safe = True
    assert "  Retry  Safe for these requests." in verdict(made)
    made.findings[0].retry_useful = False
    assert "  Retry  Harmless, but useless: it fails again until this is changed." in verdict(made)
