"""Reading inside a boundary: a bug met on one connection costs what that connection carried, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from plainwire.model import Undecrypted

if TYPE_CHECKING:
    from plainwire.model import Bugs, Connection

FAILED = "a bug of plainwire's own stopped its reading; please report it"


class Conversing(Protocol):
    """``Conversation`` and ``QuicConversation``."""

    @property
    def facts(self) -> Connection:
        """What is known of the connection."""

    def feed(self) -> None:
        """Take what the connection has delivered since the last call."""

    def discard(self) -> None:
        """Let go of what it has delivered."""

    def finish(self) -> Connection:
        """Complete the facts and the exchanges."""


class Guarded:
    """One conversation. ``bugs`` takes note of what fails."""

    __slots__ = ("_bugs", "_conversation", "_failed")

    def __init__(self, conversation: Conversing, bugs: Bugs) -> None:
        self._conversation = conversation
        self._bugs = bugs
        self._failed = False

    def feed(self) -> None:
        """Take what the connection has delivered; nothing any more once that has failed."""
        if not self._failed:
            try:
                self._conversation.feed()
            except Exception as error:  # noqa: BLE001 - whatever a bug may raise
                self._fail(error)
        if self._failed:
            self._conversation.discard()

    def _fail(self, error: Exception) -> None:
        """What was read so far stays; what is open ends unseen, so that nobody is blamed for it."""
        self._failed = True
        self._bugs.note("the reading of a connection failed", error)
        facts = self._conversation.facts
        facts.undecrypted.insert(0, Undecrypted(FAILED, None, facts.last_packet))

    def finish(self) -> Connection:
        """The connection is over."""
        try:
            return self._conversation.finish()
        except Exception as error:  # noqa: BLE001 - as above
            facts = self._conversation.facts
            if not self._failed:
                self._fail(error)
            facts.exchanges.clear()
            return facts
