"""How often a cause is claimed in a thousand cases that have none."""

from __future__ import annotations

import numpy as np

from plainwire.diagnose.comparison.comparison import compare
from plainwire.diagnose.comparison.features import GROWING
from tests.diagnose.bulk import Traffic

CASES = 1000
MOST = 50
"""5 % of them."""

METHODS = ("GET", "GET", "POST", "PUT")
TARGETS = ("/object/17", "/container", "/v2/list", "/object/18/part")


def _case(seed: int) -> Traffic:
    """Several servers, connections of random length, pauses, sizes, methods; failures strike at random:
    any request, or all of a random moment, or the connection's later requests as well.
    """
    draw = np.random.default_rng(seed)
    manner = seed % 4
    traffic = Traffic()
    rate = float(draw.uniform(0.03, 0.12))
    servers = int(draw.integers(1, 6))
    struck = 0
    for _ in range(int(draw.integers(15, 40))):
        traffic.connect(int(draw.integers(servers)), port=int(draw.integers(32_768, 60_000)))
        sick = manner == 3 and draw.random() < rate
        for _ in range(int(draw.geometric(0.2))):
            strikes = bool(draw.random() < (0.5 if sick else rate if struck == 0 else 0.6))
            if manner == 2 and strikes:
                struck = 4 if struck == 0 else struck - 1
            fails = (strikes and manner != 3) or (sick and strikes)
            traffic.ask(
                float(draw.exponential(1.0)),
                code="close-mid-request" if fails else None,
                status=503 if manner == 3 else 200,
                method=METHODS[int(draw.integers(4))],
                target=TARGETS[int(draw.integers(4))],
                size=int(draw.exponential(2000)),
            )
            struck = max(0, struck - 1)
            if fails and manner != 3:
                break
    return traffic


def test_a_cause_is_claimed_in_at_most_one_of_twenty_cases_without_one() -> None:
    claimed = compared = 0
    for seed in range(CASES):
        traffic = _case(seed)
        result = compare(traffic.connections, traffic.findings())
        claimed += bool(result.contrasts)
        compared += any(len(ids) >= 3 for ids in traffic.failed.values())
    assert compared > CASES / 2  # the others had too few failures to be compared at all
    assert claimed <= MOST


def _until_it_fails(seed: int) -> Traffic:
    """One client that uses its connection until a request fails, which happens at random."""
    draw = np.random.default_rng(seed)
    traffic, fails = Traffic(), True
    for _ in range(200):
        if fails:
            traffic.connect(0, port=int(draw.integers(32_768, 60_000)))
        fails = bool(draw.random() < 0.05)
        traffic.ask(float(draw.uniform(0.001, 0.003)), code="reset-mid-request" if fails else None)
    return traffic


def test_that_connections_end_in_their_failure_is_no_age_at_which_they_fail() -> None:
    """The one that lasted longest ends so at a constant rate of failure too."""
    told = []
    for seed in range(CASES // 4):
        traffic = _until_it_fails(seed)
        told += [contrast.feature for contrast in compare(traffic.connections, traffic.findings()).contrasts]
    assert len(told) <= MOST // 4
    assert sum(feature in GROWING for feature in told) <= MOST // 20
