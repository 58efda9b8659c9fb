"""What the parts of a TLS session share: its facts, its secrets, its two directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plainwire.model import Side, TlsInfo
from plainwire.tls.negotiation import Negotiation
from plainwire.tls.tls_direction import TlsDirection

if TYPE_CHECKING:
    from plainwire.model import AfterwardsKind
    from plainwire.tls.keylog import KeyLog
    from plainwire.tls.reasons import Reason

_MOST_AFTERWARDS = 64


class Later(NamedTuple):
    """What a message in the record at ``offset`` says about another handshake: see ``Afterwards``."""

    side: Side
    kind: AfterwardsKind
    offset: int


class SessionState:
    """See the module. ``reasons`` and ``later`` are outboxes; ``first`` is the handshake that opens it.

    ``closing``: no more bytes will come, so that nothing is gained by waiting.
    """

    __slots__ = ("closing", "finished", "first", "info", "keys", "later", "reasons", "sides")

    def __init__(self, keys: KeyLog, info: TlsInfo | None = None) -> None:
        self.info = info or TlsInfo()
        self.keys = keys
        self.reasons: list[Reason] = []
        self.later: list[Later] = []
        self.first = Negotiation()
        self.sides = TlsDirection(Side.CLIENT, self.first), TlsDirection(Side.SERVER, self.first)
        self.closing = False
        self.finished = [-1, -1]
        """By side: the offset of the record with the Finished of the first handshake; -1: not seen."""

    def done(self, direction: TlsDirection) -> None:
        """Note that the Finished of a direction was seen."""
        direction.done = True
        self.info.flight_whole |= direction.side == Side.SERVER
        if self.finished[direction.side] < 0:
            self.finished[direction.side] = direction.reached
        self.info.handshake_complete = self.info.handshake_complete or all(s.done for s in self.sides)
        if self.info.handshake_complete:
            self.info.issuers.clear()  # nobody complained: a capture may hold 100,000 of them

    def note_later(self, direction: TlsDirection, kind: AfterwardsKind) -> None:
        """Note what is said about another handshake after the first one is over."""
        if len(self.info.afterwards) + len(self.later) < _MOST_AFTERWARDS:
            self.later.append(Later(direction.side, kind, direction.reached))
