"""``python bench/speed``: make the workloads, and time plainwire, tshark and the floor on them in turn."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# The interpreter put this folder first on the path; the package is to be found under its name.
sys.path[0] = str(Path(__file__).resolve().parents[1])
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from speed.command import main  # noqa: E402 - after the path is set

if __name__ == "__main__":
    sys.exit(main())
