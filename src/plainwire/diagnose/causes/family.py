"""Families of codes: one stem, and a member for each status, alert or error code that the wire can name.

A family is declared once, beside the words of its causes: what all members have in common, and for each what
it means from the server and from the client, who is to look, and what to do. Its rule asks ``code`` for the
code of a finding and ``said`` for the words. Nothing else has to know the members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model import Side

from .cause import Cause

if TYPE_CHECKING:
    from .cause import Meaning

_OTHER = "other"


class Member(Struct, frozen=True):
    """One name that the wire can give, with its words; a side that never sends it has none."""

    name: str
    by_server: Meaning | None = None
    by_client: Meaning | None = None


class Family(Struct, frozen=True):
    """What the members have in common. ``{name}`` in ``title`` stands for the name on the wire."""

    stem: str
    title: str
    meaning: str
    established: str
    refuted: str
    references: tuple[str, ...]
    members: tuple[Member, ...]
    other: Member
    """For names that are not registered: its code ends in ``-other``."""
    elsewhere: dict[str, str] = {}
    """Names that have a cause of their own, and its code."""
    made_by: str = ""
    unplayed: str = ""
    """Both as in ``Cause``."""
    prefix: str = ""
    """What names on the wire begin with that codes leave out: ``H3_``."""

    def code(self, name: str) -> str:
        """The code of a finding about this name."""
        if name in self.elsewhere:
            return self.elsewhere[name]
        return f"{self.stem}-{self._tail(self._member(name))}"

    def said(self, name: str, sender: Side) -> Meaning | None:
        """What the name means from this sender."""
        member = self._member(name)
        return member.by_server if sender is Side.SERVER else member.by_client

    def causes(self) -> tuple[Cause, ...]:
        """A cause for each member."""
        return tuple(self._cause(member) for member in (*self.members, self.other))

    def _member(self, name: str) -> Member:
        return next((member for member in self.members if member.name == name), self.other)

    def _tail(self, member: Member) -> str:
        if member is self.other:
            return _OTHER
        return member.name.removeprefix(self.prefix).replace("_", "-").lower()

    def _cause(self, member: Member) -> Cause:
        said = member.by_server or member.by_client
        assert said is not None  # noqa: S101 - a test holds it for every member
        return Cause(
            f"{self.stem}-{self._tail(member)}",
            self.title.format(name=member.name),
            self.meaning,
            self.established,
            self.refuted,
            said.client,
            said.server,
            self.references,
            made_by=self.made_by,
            unplayed=self.unplayed,
            family=self.stem,
            by_server=member.by_server,
            by_client=member.by_client,
        )
