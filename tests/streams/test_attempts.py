"""Of attempts that came to nothing the first are told in full, and a few of each server; all are counted."""

from __future__ import annotations

from plainwire.streams import attempts
from plainwire.streams.attempts import FailedAttempts


def test_every_attempt_is_either_kept_or_counted() -> None:
    found = FailedAttempts()
    kept = sum(found.keep(7, refused=number % 2 == 1) for number in range(30_000))
    assert kept == attempts.MOST_KEPT
    assert found.counted == {(7, False): 10_000, (7, True): 10_000}


def test_a_flood_at_one_server_hides_no_attempt_at_another() -> None:
    found = FailedAttempts()
    for _ in range(50_000):
        found.keep(7, refused=False)
    assert [found.keep(8, refused=False) for _ in range(12)] == [True] * 10 + [False] * 2


def test_a_flood_over_all_servers_there_are_is_bounded() -> None:
    found = FailedAttempts()
    kept = sum(found.keep(server, refused=False) for server in range(100_000))
    assert kept == attempts.MOST_KEPT + attempts.MOST_OF_OTHERS
    assert len(found.counted) <= 20_001
    assert sum(found.counted.values()) == 100_000 - kept
