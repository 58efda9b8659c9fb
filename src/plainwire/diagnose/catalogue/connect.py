"""Family C: names, connecting, the path."""

from .cause import Cause

CAUSES: tuple[Cause, ...] = ()
