"""What each finding means: the one place for its words, its advice and its references.

The rules decide whether a cause applies; ``plainwire explain`` prints these entries as they are.
RFC sections are cited, never quoted. One file for each family of causes.
"""

from .cause import Cause
from .client import words as client
from .connect import words as connect
from .grpc import words as grpc
from .handshake import words as handshake
from .http2 import words as http2
from .middlebox import words as middlebox
from .quic import words as quic
from .reuse import words as reuse
from .semantics import words as semantics
from .undecided import words as undecided
from .websocket import words as websocket
from .websocket.close_codes import application_code

__all__ = ["CAUSES", "Cause"]

_FAMILIES = (undecided, reuse, middlebox, connect, handshake, semantics, http2, grpc, websocket, quic, client)


class _Causes(dict[str, Cause]):
    """Every code that a finding can have; those of applications' own close codes are made when asked for."""

    def __missing__(self, code: str) -> Cause:
        cause = application_code(code)
        if cause is None:
            raise KeyError(code)
        return cause


CAUSES: dict[str, Cause] = _Causes(
    {cause.code: cause for family in _FAMILIES for cause in family.CAUSES},
)
"""Every code that a finding can have."""
