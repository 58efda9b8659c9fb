"""``python bench/attack``: start difficult programs many times, alone and under plainwire, and compare."""

from __future__ import annotations

import sys
from pathlib import Path

# The interpreter put this folder first on the path; the package is to be found under its name.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from attack.command import main  # noqa: E402 - after the path is set

if __name__ == "__main__":
    sys.exit(main())
