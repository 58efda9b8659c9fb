"""What failing attempts have in common: said where it is so, and not said where it is not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from plainwire.diagnose.comparison.comparison import Comparison, compare, compare_trials
from plainwire.diagnose.comparison.trials import Trials, join, of_requests
from plainwire.diagnose.evidence.targets import template
from plainwire.model import Finding, TlsInfo
from tests.diagnose.bulk import Traffic

CODE = "keepalive-idle-race"


def _compared(traffic: Traffic) -> Comparison:
    return compare(traffic.connections, traffic.findings())


def _race(seed: int, requests: int = 400, timeout: float = 2.0, window: float = 0.08) -> Traffic:
    """Random pauses; what is sent within one round trip of the timeout is lost, what comes later, on a new
    connection, is not.
    """
    draw = np.random.default_rng(seed)
    traffic = Traffic()
    traffic.connect()
    for _ in range(requests):
        idle = float(draw.uniform(0, 3))
        if not traffic.connections[-1].exchanges or idle >= timeout:
            traffic.clock_ns += int(idle * 1e9)
            traffic.connect()
            traffic.ask(0.01)
        elif idle >= timeout - window:
            traffic.ask(idle, code=CODE)
            traffic.connect()
        else:
            traffic.ask(idle)
    return traffic


def test_a_race_is_an_interval_of_idle_time() -> None:
    traffic = _race(1)
    compared = _compared(traffic)
    first = compared.contrasts[0]
    count = len(traffic.failed[CODE])
    assert first.feature == "idle_before"
    assert first.failing == (count, count)
    assert first.succeeding[0] == 0
    assert first.low is not None
    assert 1.92 <= first.low <= 2.0
    assert first.p < 0.01
    assert f"{count} of {count} failures" in first.claim
    assert f"; 0 of {first.succeeding[1]} successes did." in first.claim
    assert compared.undecided == []


def test_an_interval_with_successes_on_both_sides_has_both_bounds() -> None:
    draw = np.random.default_rng(4)
    traffic = Traffic()
    for _ in range(60):
        traffic.connect()
        traffic.ask(0)
        idle = float(draw.uniform(0, 10))
        traffic.ask(idle, code=CODE if 4.0 <= idle <= 4.9 else None)
    first = _compared(traffic).contrasts[0]
    assert first.feature == "idle_before"
    assert first.low is not None
    assert first.high is not None
    assert 4.0 <= first.low <= first.high <= 4.9


def test_one_address_of_four_is_named() -> None:
    traffic = Traffic()
    for number in range(120):
        server = number % 4
        traffic.connect(server)
        traffic.ask(0.1, code="sick-backend" if server == 2 and number % 3 == 0 else None, status=503)
    first = _compared(traffic).contrasts[0]
    assert first.feature == "server"
    assert "203.0.113.3:443" in first.claim
    assert first.failing == (10, 10)
    assert first.succeeding == (20, 110)


def test_the_seventh_request_of_each_connection() -> None:
    draw = np.random.default_rng(2)
    traffic = Traffic()
    for _ in range(10):
        traffic.connect()
        last = int(draw.integers(3, 12))
        for ordinal in range(1, last + 1):
            failing = ordinal == 7
            traffic.ask(float(draw.exponential(0.5)), code="close-mid-request" if failing else None)
            if failing:
                break
    first = _compared(traffic).contrasts[0]
    assert first.feature == "ordinal"
    assert (first.low, first.high) in {(7.0, 7.0), (7.0, None)}
    assert "number 7" in first.claim


def test_what_only_goes_along_with_the_cause_is_not_told_as_another() -> None:
    """Failures come after long pauses; the age of their connections is larger, but only for that reason."""
    first, *others = _compared(_race(3)).contrasts
    assert first.feature == "idle_before"
    assert "age" not in {contrast.feature for contrast in others}


def test_features_that_cannot_be_told_apart_are_named_together() -> None:
    traffic = Traffic()
    for number in range(80):
        traffic.connect(1 if number % 10 == 0 else 0)
        failing = number % 10 == 0
        headers = [("Host", "storage.example"), *([("X-Canary", "1")] if failing else [])]
        traffic.ask(0.1, code="sick-backend" if failing else None, headers=headers)
    first = _compared(traffic).contrasts[0]
    assert first.feature == "server"
    assert "field x-canary" in first.also


def test_causes_are_compared_one_by_one() -> None:
    """A mixture of two sharp causes: each is seen, because each is compared by itself."""
    draw = np.random.default_rng(8)
    traffic = Traffic()
    for number in range(200):
        traffic.connect(number % 5)
        idle = float(draw.uniform(0, 3))
        traffic.ask(0)
        if 1.9 <= idle <= 2.0:
            traffic.ask(idle, code=CODE)
        elif number % 5 == 3 and number % 4 == 0:
            traffic.ask(idle, code="sick-backend", status=503)
        else:
            traffic.ask(idle)
    told = {contrast.code: contrast.feature for contrast in reversed(_compared(traffic).contrasts)}
    assert told == {CODE: "idle_before", "sick-backend": "server"}


def test_one_failure_is_too_few_and_the_report_says_so() -> None:
    traffic = Traffic()
    traffic.connect()
    for number in range(40):
        traffic.ask(0.1, code=CODE if number == 20 else None)
    compared = _compared(traffic)
    assert compared.contrasts == []
    assert len(compared.undecided) == 1
    assert "too few" in compared.undecided[0]


def test_blunt_properties_need_more_failures_and_the_report_says_how_many() -> None:
    """Four failures, all on one of two addresses: half of the successes were there too."""
    traffic = Traffic()
    draw = np.random.default_rng(5)
    for number in range(100):
        traffic.connect(number % 2)
        traffic.ask(float(draw.exponential(0.1)), code="sick-backend" if number in {8, 34, 60, 92} else None)
    compared = _compared(traffic)
    assert compared.contrasts == []
    assert "more" in compared.undecided[0]


def test_failures_that_a_connection_took_with_it_count_once() -> None:
    traffic = Traffic()
    for number in range(30):
        traffic.connect(1 if number == 7 else 0)
        for _ in range(6):
            exchange = traffic.ask(0.01, code="stream-lost" if number == 7 else None)
            exchange.protocol = "h2"
    trials = of_requests(traffic.connections, traffic.findings())
    assert trials.codes.count("stream-lost") == 1
    assert _compared(traffic).contrasts == []


def test_remarks_are_not_compared() -> None:
    traffic = _race(1)
    findings = traffic.findings()
    for finding in findings:
        finding.failure = False
    compared = compare(traffic.connections, findings)
    assert (compared.contrasts, compared.undecided) == ([], [])


def test_the_same_traffic_gives_the_same_answer() -> None:
    assert _compared(_race(9)) == _compared(_race(9))


def test_runs_can_be_joined_after_a_detour_through_json() -> None:
    tables = []
    for seed in range(6):
        traffic = _race(seed, requests=60)
        table = of_requests(traffic.connections, traffic.findings())
        tables.append(Trials.from_dict(json.loads(json.dumps(table.as_dict()))))
    assert all(compare_trials(table).contrasts == [] for table in tables if table.codes.count(CODE) < 3)
    whole = join(tables)
    assert len(whole) == sum(map(len, tables))
    assert len(set(whole.connections)) == sum(len(set(table.connections)) for table in tables)
    assert compare_trials(whole).contrasts[0].feature == "idle_before"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v1/users/4711/items?token=abc", "/v1/users/{}/items"),
        ("/container/object-4", "/container/{}"),
        ("/", "/"),
        ("https://example.org/a/b#c", "/a/b"),
        ("/reset/dGhpcyBpcyBhIHNlY3JldCB0aGF0IGlzIGxvbmc/now", "/reset/{}/now"),
        ("/\x1b[31m/x", "/{}/x"),
    ],
)
def test_targets_lose_what_differs_and_what_may_be_secret(target: str, expected: str) -> None:
    assert template(target) == expected


def test_counts_agree_with_fishers_test_by_scipy() -> None:
    """The contrast that is told is one that the ordinary test finds as well."""
    first = _compared(_race(12)).contrasts[0]
    (a, k), (b, n) = first.failing, first.succeeding
    assert stats.fisher_exact(np.array([[a, k - a], [b, n - b]]))[1] < 1e-6


def test_what_no_failure_came_far_enough_to_have_is_no_property() -> None:
    """Connections that were refused had no ClientHello, and so asked for no name."""
    traffic = Traffic()
    for number in range(24):
        connection = traffic.connect()
        if number % 3:
            connection.tls = TlsInfo(server_name="storage.example")
            traffic.ask(0.01)
    refused = [c.id for c in traffic.connections if not c.exchanges]
    finding = Finding("connection-refused", "", "server", "likely", [], refused, [], "")
    assert not [c for c in compare(traffic.connections, [finding]).contrasts if c.feature == "name_asked"]


def test_nothing_is_said_where_nothing_succeeded() -> None:
    traffic = Traffic()
    traffic.connect()
    traffic.ask(0.1, code="reset-mid-request", status=None)
    found = compare(traffic.connections, traffic.findings())
    assert (found.contrasts, found.undecided) == ([], [])
