"""What was said (``heard``), what the wire makes of it (``testify``), what only it tells of (``unmade``)."""

from .against import testify
from .sayings import heard
from .unmade import unmade

__all__ = ["heard", "testify", "unmade"]
