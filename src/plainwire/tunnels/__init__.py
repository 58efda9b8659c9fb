"""Protocols that TLS or HTTP begin inside of: what is negotiated in clear text, and where it ends.

Each ``negotiate`` looks at what both sides have sent so far and says whether the negotiation is over
(``Done``), will never be (``Failed``), or needs more bytes (None). Nothing here keeps state.
"""

from plainwire.tunnels.outcome import Done, Failed, Outcome

__all__ = ["Done", "Failed", "Outcome"]
