"""Rules over a connection's facts: from failed exchanges to findings."""

from .catalogue import CAUSES
from .inference import infer
from .procedure import diagnose

__all__ = ["CAUSES", "diagnose", "infer"]
