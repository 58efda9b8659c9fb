"""The program's own account, held against the wire: ``testify``."""

from .against import testify

__all__ = ["testify"]
