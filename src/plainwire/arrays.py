"""NumPy, without the threads that its linear algebra starts: nothing here multiplies matrices.

OpenBLAS starts one thread a processor when NumPy is loaded, which costs more than all else that an analysis
of a small capture does. It reads its environment only then, so that programs which are run see nothing of it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray

_THREADS = "OPENBLAS_NUM_THREADS"

_before = os.environ.get(_THREADS)
os.environ[_THREADS] = "1"
try:
    import numpy as np
finally:
    if _before is None:
        del os.environ[_THREADS]
    else:
        os.environ[_THREADS] = _before

__all__ = ["distinct", "np"]

_Scalar = TypeVar("_Scalar", bound=np.generic)


def distinct(values: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """The values, each once, in order. ``numpy.unique`` takes twice as long, and loads ``numpy.ma``."""
    ordered = np.sort(values)
    found: NDArray[_Scalar] = ordered[
        np.concatenate((ordered[:1] == ordered[:1], ordered[1:] != ordered[:-1]))
    ]
    return found
