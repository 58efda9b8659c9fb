from __future__ import annotations

from plainwire.recorder.jobs import Examined, Sighting
from plainwire.recorder.ring import RingSegment
from plainwire.recorder.triggers import Triggers


def examined(number: int, *seen: tuple[str, float, list[int]]) -> Examined:
    return Examined(number, seen=[Sighting(*each) for each in seen])


def segments(*ends: float) -> list[RingSegment]:
    """One behind the other, the last one still being written."""
    begins = [0.0, *ends]
    made = [
        RingSegment(number, begin, end, examined=True)
        for number, (begin, end) in enumerate(zip(begins, ends, strict=False), 1)
    ]
    return [*made, RingSegment(len(made) + 1, ends[-1])]


def test_what_is_seen_with_two_segments_is_one_finding() -> None:
    triggers = Triggers(["any"], 60, 30, 0)
    assert len(triggers.take(examined(5, ("reset", 100.0, [1, 2])))) == 1
    assert triggers.take(examined(6, ("reset", 100.0, [1, 2]))) == []
    assert len(triggers.take(examined(7, ("reset", 160.0, [2, 3])))) == 1
    assert triggers.counted == {"reset": 2}


def test_a_code_rests_and_is_counted_all_the_same() -> None:
    triggers = Triggers(["any"], 10, 5, 600)
    for number in range(5):
        triggers.take(examined(number, ("reset", 100.0 * number, [number + 1])))
    triggers.take(examined(6, ("other", 500.0, [77])))
    assert [window.because for window in triggers.waiting] == [["reset"], ["other"]]
    assert triggers.counted == {"reset": 5, "other": 1}


def test_only_what_was_asked_for_is_a_trigger() -> None:
    triggers = Triggers(["tls-alert"], 10, 5, 0)
    triggers.take(examined(1, ("reset", 1.0, [1]), ("tls-alert-unknown-ca", 2.0, [2])))
    assert [window.words for window in triggers.waiting] == ["tls-alert-unknown-ca"]


def test_a_remark_beside_a_failure_is_counted_and_no_trigger() -> None:
    triggers = Triggers(["any"], 10, 5, 0)
    triggers.take(Examined(1, seen=[Sighting("no-keepalive-churn", 1.0, [1], failure=False)]))
    assert triggers.waiting == []
    assert triggers.counted == {"no-keepalive-churn": 1}


def test_triggers_within_one_window_are_one_case() -> None:
    triggers = Triggers(["any"], 60, 30, 0)
    triggers.take(examined(1, ("reset", 100.0, [1]), ("stale", 110.0, [2])))
    triggers.ask("signal", 125.0)
    triggers.ask("signal", 126.0)
    (window,) = triggers.waiting
    assert (window.words, window.start, window.end) == ("reset, stale, signal", 40.0, 130.0)
    triggers.ask("signal", 131.0)
    assert len(triggers.waiting) == 2


def test_a_window_is_due_once_all_of_it_was_written_and_examined() -> None:
    triggers = Triggers(["any"], 25, 10, 0)
    window = triggers.ask("signal", 35.0)
    assert triggers.due(segments(10, 20, 30), now=40.0) is None
    assert not triggers.wants_cut(segments(10, 20, 30)[-1], 44.9)
    assert triggers.wants_cut(segments(10, 20, 30)[-1], 45.0)
    there = segments(10, 20, 30, 46)
    there[3].examined = False
    assert triggers.due(there, now=47.0) is None
    there[3].examined = True
    assert triggers.due(there, now=47.0) is window
    assert [each.number for each in window.of(there[:-1])] == [2, 3, 4]
    assert triggers.waiting == []


def test_who_looks_back_waits_alone() -> None:
    triggers = Triggers(["any"], 60, 30, 0)
    triggers.look_back("snapshot", 20.0, 100.0, asker=9)
    triggers.ask("signal", 95.0)
    assert [(each.start, each.end, each.asker) for each in triggers.waiting] == [
        (80.0, 100.0, 9),
        (35.0, 125.0, 0),
    ]
