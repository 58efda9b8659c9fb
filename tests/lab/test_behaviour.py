"""Faults come where they were ordered, and come again for the same seed."""

from __future__ import annotations

from plainwire.lab.behaviour import Behaviour, Fault, Greeting, Manner, StreamFault


def test_behaviour_survives_the_command_line() -> None:
    behaviour = Behaviour(
        schedule={3: Fault.TRUNCATE},
        streams={4: StreamFault.REFUSE},
        fault=Fault.SLOW,
        probability=0.5,
        idle_timeout=1,
        idle_manner=Manner.RESET,
        greetings={2: Greeting.STALL},
        tls="1.2",
    )
    assert Behaviour.from_json(behaviour.to_json()) == behaviour


def test_same_seed_gives_same_faults() -> None:
    behaviour = Behaviour(fault=Fault.RESET_MID_REQUEST, probability=0.2, seed=7)
    first, second = behaviour.faults(), behaviour.faults()
    faults = [first.next() for _ in range(100)]
    assert faults == [second.next() for _ in range(100)]
    assert {fault for _, fault in faults} == {Fault.NONE, Fault.RESET_MID_REQUEST}


def test_schedule_strikes_the_requests_that_it_names() -> None:
    faults = Behaviour(schedule={2: Fault.SLOW}).faults()
    assert [faults.next() for _ in range(3)] == [(1, Fault.NONE), (2, Fault.SLOW), (3, Fault.NONE)]
