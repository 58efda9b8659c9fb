"""What is to be said of one cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.model import Fault


class Meaning(Struct, frozen=True):
    """What a status, alert or error code means when one of the two sides sends it, and what to do then.

    ``means`` goes on after "it says that". ``fault`` is who is to look, where nothing else tells.
    """

    means: str
    fault: Fault
    client: str
    server: str


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
    second_capture: str = ""
    """Where one side's capture cannot decide: which other capture would, and by what."""
    family: str = ""
    """The stem of its family (``family.Family``), where its code is one of several."""
    by_server: Meaning | None = None
    by_client: Meaning | None = None

    def said_by(self, sender: Side | None) -> Meaning | None:
        """What it means from this sender; None where the cause does not depend on one."""
        return self.by_server if sender is Side.SERVER else self.by_client if sender is Side.CLIENT else None
