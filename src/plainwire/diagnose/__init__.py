"""Rules over a connection's facts: from failed exchanges to findings."""

from .catalogue import CAUSES
from .procedure import diagnose

__all__ = ["CAUSES", "diagnose"]
