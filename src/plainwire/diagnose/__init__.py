"""Rules over a connection's facts: from failed exchanges to findings."""

from .causes.catalogue import CAUSES
from .procedure import diagnose
from .servers.inference import infer

__all__ = ["CAUSES", "diagnose", "infer"]
