"""What is to be said of one cause."""

from __future__ import annotations

from msgspec import Struct


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
