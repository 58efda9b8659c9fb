"""The program's own account, held against the wire: ``testify``; what only it tells of: ``unmade``."""

from .against import testify
from .unmade import unmade

__all__ = ["testify", "unmade"]
