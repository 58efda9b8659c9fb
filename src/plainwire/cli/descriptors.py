"""Standard input, output and error as they were given to us, also where they were closed.

A file that is opened while one of them is closed gets its number, and what is meant for the terminal goes
into the capture. So the numbers are taken by something that gives the same errors as a closed one, and that
is closed again in the program that is run.
"""

from __future__ import annotations

import os
import sys

_MODES = (os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)
"""The wrong way round: to read from the first, or to write to the others, stays EBADF."""


def occupy() -> None:
    """Take the numbers 0, 1 and 2 where they are free, for this process only (close-on-exec)."""
    for number, mode in enumerate(_MODES):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number, inheritable=False)
                os.close(opened)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
