"""What every type here builds on."""

from __future__ import annotations

import enum
from reprlib import recursive_repr
from typing import TYPE_CHECKING, ClassVar

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


class NoRightError(UserError):
    """The user may not capture packets; the message names the command that grants it."""


class Discreet:
    """A ``Struct`` whose ``repr`` leaves out what is ``unshown``: secrets, bytes off the wire, long lists."""

    __slots__ = ()
    __struct_fields__: ClassVar[tuple[str, ...]]
    unshown: ClassVar[tuple[str, ...]]

    @recursive_repr()
    def __repr__(self) -> str:
        shown = (name for name in self.__struct_fields__ if name not in self.unshown)
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class Side(enum.IntEnum):
    """One of the two ends of a connection."""

    CLIENT = 0
    SERVER = 1

    @property
    def peer(self) -> Side:
        """The other end."""
        return Side(1 - self)
