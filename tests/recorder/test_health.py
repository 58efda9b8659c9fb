from __future__ import annotations

from plainwire.recorder.health import Health, Teller, summary


def test_each_trouble_is_told_at_once_and_again_where_there_is_more_of_it() -> None:
    teller, health = Teller(), Health(dropped=3)
    assert teller.words(health, 0.0) == [
        "the kernel dropped 3 packets so far: the capture cannot keep up",
    ]
    assert teller.words(health, 100.0) == []
    health.dropped, health.waiting, health.lag = 5, 4, 200.0
    assert teller.words(health, 101.0) == [
        "the kernel dropped 5 packets so far: the capture cannot keep up",
        "the analysis is 200 s behind (4 segments): it cannot keep up",
    ]
    health.dropped = 6
    assert teller.words(health, 102.0) == []
    assert len(teller.words(health, 162.0)) == 1


def test_where_all_is_well_nothing_is_told() -> None:
    health = Health(dropped=0, waiting=2, lag=60.0, packets=10**6)
    assert list(health.troubles()) == []
    assert list(Health(dropped=None).troubles()) == []


def test_the_end_says_what_it_cost() -> None:
    health = Health(began=0.0, packets=5, dropped=None, cases=1, own=36.0, analysis=72.0)
    assert summary(health, 3600.0) == (
        "recorded 1 h 0 min: 5 packets, an unknown number dropped by the kernel; 1 case saved; "
        "of one processor 1.0 % for the recording, 2.0 % for the analysis"
    )


def test_an_unknown_number_of_drops_is_no_metric() -> None:
    lines = [line for metric in Health(dropped=None).metrics({}) for line in metric.lines()]
    assert not [line for line in lines if "dropped" in line]
