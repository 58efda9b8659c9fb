"""What is said of a server's limits and of what failures have in common."""

from __future__ import annotations

import json

from plainwire.model import Bounds, Contrast, DangerBand, Report, ServerFacts
from plainwire.report import html, servers, terminal
from plainwire.report import json as as_json
from tests.diagnose.wire import SERVER_END
from tests.report.samples import failing, healthy, report

SECOND = 1_000_000_000


def _facts() -> ServerFacts:
    facts = ServerFacts(SERVER_END, announces_close=True)
    facts.idle_timeout = Bounds(2 * SECOND, 2 * SECOND + 3_000_000, 5)
    facts.hint_timeout_ns = 5 * SECOND
    facts.max_requests, facts.max_requests_count = 100, 3
    facts.danger_band = DangerBand(1_920_000_000, None, observed=False)
    facts.expected_failures, facts.observed_failures = 4.0, 5
    facts.fingerprint = ["gun\x1bicorn"]
    return facts


def _contrast() -> Contrast:
    return Contrast(
        "keepalive-idle-race", "idle_before", "7 of 7 failures came so; 0 of 412 successes did.",
        (7, 7), (0, 412), 0.0005, 23, (0.65, 1.0), (0.0, 0.009), 2.0, 2.08, ["age"],
    )  # fmt: skip


def _report() -> Report:
    whole = report(healthy(), failing())
    whole.servers = [_facts()]
    whole.comparison = [_contrast()]
    whole.undecided = ["reset-mid-request: 1 failure: too few."]
    return whole


def test_limits_are_said_with_their_ranges_and_counts() -> None:
    text = " ".join(servers.sentences(_facts()))
    assert "idle for 2.000 to 2.003 s (seen 5 times); its Keep-Alive field says 5 s" in text
    assert "after 100 requests, and says so (seen 3 times)" in text
    assert "idle for 1.920 s or longer meets this close" in text
    assert "4 of the requests seen should have failed; 5 did" in text


def test_a_client_that_gives_up_first_is_told_so() -> None:
    facts = _facts()
    facts.danger_band = DangerBand(4_920_000_000, 4 * SECOND, observed=True)
    text = " ".join(servers.sentences(facts))
    assert "The client closes idle connections after 4.000 s, before the server does." in text


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert list(servers.sentences(ServerFacts(SERVER_END))) == []


def test_terminal_and_page_tell_what_is_common_and_what_the_server_does() -> None:
    for text in (terminal.verdict(_report(), width=100, much="all"), html.render(_report())):
        assert "7 of 7 failures came so; 0 of 412 successes did." in text
        assert "1 failure: too few." in text
        assert f"The server {SERVER_END}" in text
        assert "2.000 to 2.003 s" in text
        assert "gun\x1bicorn" not in text


def test_servers_that_no_finding_is_about_are_not_told() -> None:
    whole = report(healthy())
    whole.servers = [_facts()]
    assert whole.findings == []
    assert "The server" not in terminal.verdict(whole)
    assert "2.003 s" not in html.render(whole)


def test_json_has_limits_in_seconds_and_contrasts_with_counts() -> None:
    told = json.loads(as_json.encode(_report()))
    server = told["servers"][0]
    assert server["idle_timeout"] == {"low": 2.0, "high": 2.003, "seen": 5}
    assert server["danger_band"] == {"low": 1.92, "high": None, "observed": False, "empty": False}
    assert server["keep_alive"] == {"timeout": 5.0, "max": None}
    contrast = told["comparison"][0]
    assert (contrast["failing"], contrast["succeeding"], contrast["p"]) == ([7, 7], [0, 412], 0.0005)
    assert (contrast["low"], contrast["high"], contrast["also"]) == (2.0, 2.08, ["age"])
    assert told["undecided"] == ["reset-mid-request: 1 failure: too few."]
