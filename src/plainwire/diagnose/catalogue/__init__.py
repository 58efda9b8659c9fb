"""What each finding means: the one place for its words, its advice and its references.

The rules decide whether a cause applies; ``plainwire explain`` prints these entries as they are.
RFC sections are cited, never quoted. One file for each family of causes.
"""

from . import client, connect, diagnosis, handshake, http2, middlebox, quic, reuse, semantics
from .cause import Cause

__all__ = ["CAUSES", "Cause"]

_FAMILIES = (diagnosis, reuse, middlebox, connect, handshake, semantics, http2, quic, client)

CAUSES: dict[str, Cause] = {cause.code: cause for family in _FAMILIES for cause in family.CAUSES}
"""Every code that a finding can bear."""
