"""The pauses that libraries make before they send a failed request again."""

from __future__ import annotations

from plainwire.diagnose.traffic.backoffs import described

MS = 1_000_000


def test_pauses_name_those_that_make_such_from_three_on() -> None:
    told = described([(None, [1_002 * MS, 2_004 * MS, 4_001 * MS])])
    assert told.startswith("1.002 s, 2.004 s, 4.001 s, as python-swiftclient")
    assert described([(None, [1_002 * MS, 2_004 * MS])]) == "1.002 s, 2.004 s"


def test_user_agent_decides_between_those_that_pause_alike() -> None:
    told = described([("python-swiftclient-4.11.0", [1_002 * MS])])
    assert told == "1.002 s, as python-swiftclient pauses"


def test_nobody_is_named_against_the_user_agent() -> None:
    assert described([("Blob/1.0", [1_002 * MS, 2_004 * MS, 4_001 * MS])]) == "1.002 s, 2.004 s, 4.001 s"
    assert "swiftclient" not in described([("axios/1.7", [1_002 * MS, 2_004 * MS, 4_001 * MS])])


def test_repetitions_at_once_name_nobody() -> None:
    assert described([("curl/8.5.0", [2 * MS]), (None, [1 * MS])]) == "at once"


def test_pauses_of_several_requests_are_told_from_the_shortest_to_the_longest() -> None:
    assert described([(None, [300 * MS]), (None, [100 * MS]), (None, [200 * MS])]) == "100 ms to 300 ms"
