"""``python bench/conformance``: what tshark finds in a corpus of captures, and what plainwire does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# The interpreter put this folder first on the path; the package is to be found under its name.
sys.path[0] = str(Path(__file__).resolve().parents[1])
# One process a capture, and no more threads than that.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from conformance.command import main  # noqa: E402 - after the path is set

if __name__ == "__main__":
    main()
