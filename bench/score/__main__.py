"""``python bench/score``: play the lab many times and hold the findings against what was planted."""

from __future__ import annotations

import sys
from pathlib import Path

# The interpreter put this folder first on the path; the package is to be found under its name.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from score.command import main  # noqa: E402 - after the path is set

if __name__ == "__main__":
    sys.exit(main())
