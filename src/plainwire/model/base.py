"""What every type here builds on."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Int64s = NDArray[np.int64]
    UInt32s = NDArray[np.uint32]
    UInt16s = NDArray[np.uint16]
    UInt8s = NDArray[np.uint8]


class UserError(Exception):
    """Misuse, or input that cannot be read: one line for the user, an exit code, no traceback."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Side(enum.IntEnum):
    """One of the two ends of a connection."""

    CLIENT = 0
    SERVER = 1

    @property
    def peer(self) -> Side:
        """The other end."""
        return Side(1 - self)
