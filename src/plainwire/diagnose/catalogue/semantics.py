"""Family E: what HTTP says."""

from .cause import Cause

CAUSES: tuple[Cause, ...] = ()
