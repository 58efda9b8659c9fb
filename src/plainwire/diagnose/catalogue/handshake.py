"""Family D: TLS."""

from .cause import Cause

CAUSES: tuple[Cause, ...] = ()
