"""Where the captures are that other projects made: no part of this project, read from beside it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.needs import without

VARIABLE = "PLAINWIRE_CORPUS"
_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "corpus"
_NAMED = os.environ.get(VARIABLE)  # now: in a test the environment has no PLAINWIRE_ variables


def corpus() -> Path:
    """The corpus: the folder that the environment names, else the one beside the project.

    The test is skipped, and says so, where there is none.
    """
    folder = Path(_NAMED or _BESIDE)
    if not (folder / "manifest.tsv").exists():
        # No part of the project: whoever has it beside the project, or names it, gets these tests.
        without(f"no corpus of captures at {folder} ({VARIABLE} names it)", part_of_the_judgement=False)
    return folder
