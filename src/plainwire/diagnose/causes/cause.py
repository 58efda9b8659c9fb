"""What is to be said of one cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.model import Fault, Need


class Meaning(Struct, frozen=True):
    """What a status, alert or error code means when one of the two sides sends it, and what to do then.

    ``means`` goes on after "it says that". ``fault`` is who is to look, where nothing else tells.
    """

    means: str
    fault: Fault
    client: str
    server: str
    client_needs: tuple[Need, ...] = ()
    server_needs: tuple[Need, ...] = ()
    lasting: bool = False
    """The three as in ``Cause``."""


class Cause(Struct, frozen=True):
    """One named cause.

    ``established`` and ``refuted`` say what must be seen, and what would show another cause;
    ``client`` and ``server`` are what each side can do about it.
    """

    code: str
    title: str
    meaning: str
    established: str
    refuted: str
    client: str
    server: str
    references: tuple[str, ...]
    failure: bool = True
    """Whether an exchange with this finding failed; else the finding is about something beside that."""
    remark: bool = False
    """Whether it stands beside a failure that it did not cause, and is worth knowing all the same."""
    rank: int = 0
    """Findings with a higher one are told later, however many exchanges they have; remarks last of all."""
    by_idleness: bool = False
    """Whether it strikes the first request after a pause."""
    unreached: bool = False
    """Whether it says that the server's address did not accept a connection."""
    by_backend: bool = True
    """Whether a single sick machine behind an address may be why it happens there."""
    perhaps_whole: bool = False
    """Whether the exchange may have been whole for the client, unless the verdict knows about a retry."""
    second_capture: str = ""
    """Where one side's capture cannot decide: which other capture would, and by what."""
    made_by: str = ""
    """Where its rule is, if no file has its name: from ``diagnose/`` on; or why there is no rule."""
    unplayed: str = ""
    """Where no story of the lab plays it: what does instead, or why nothing can."""
    client_needs: tuple[Need, ...] = ()
    """What the remedy needs on the client's side, the most useful first (``diagnose.settings``)."""
    server_needs: tuple[Need, ...] = ()
    """The same on the server's side."""
    lasting: bool = False
    """Whether a retry meets the same again until something is changed, if it met every attempt so far."""
    family: str = ""
    """The stem of its family (``family.Family``), where its code is one of several."""
    by_server: Meaning | None = None
    by_client: Meaning | None = None

    def said_by(self, sender: Side | None) -> Meaning | None:
        """What it means from this sender; None where the cause does not depend on one."""
        return self.by_server if sender is Side.SERVER else self.by_client if sender is Side.CLIENT else None
