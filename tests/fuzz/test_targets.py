"""A number of inputs for every reader, the same ones each time; and those that once broke one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.mutation import mutated
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

_INPUTS = 150
_FOUND = Path(__file__).with_name("found")


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_are_answered_with_values(name: str) -> None:
    seeds = SEEDS[name]()
    for data in [*seeds, *mutated(seeds, _INPUTS)]:
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_broke_a_reader_no_longer_does(name: str) -> None:
    for path in sorted(_FOUND.glob(f"{name}/*")):
        TARGETS[name](path.read_bytes())
