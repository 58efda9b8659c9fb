"""What each finding means: the one place for its words, its advice and its references.

The rules decide whether a cause applies; ``plainwire explain`` prints these entries as they are.
RFC sections are cited, never quoted. One file for each family of causes.
"""

from .cause import Cause
from .client import words as client
from .connect import words as connect
from .handshake import words as handshake
from .http2 import words as http2
from .middlebox import words as middlebox
from .quic import words as quic
from .reuse import words as reuse
from .semantics import words as semantics
from .undecided import words as undecided

__all__ = ["CAUSES", "Cause"]

_FAMILIES = (undecided, reuse, middlebox, connect, handshake, semantics, http2, quic, client)

CAUSES: dict[str, Cause] = {cause.code: cause for family in _FAMILIES for cause in family.CAUSES}
"""Every code that a finding can have."""
