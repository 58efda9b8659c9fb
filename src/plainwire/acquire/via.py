"""Which method a run or an attach uses: each by what is there, unless one is forced (``--via``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

from msgspec import Struct

from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

Evidence = Literal["libpcap", "dumpcap", "sockets"]
"""How connections are seen, best first."""
Secrets = Literal["environment", "preload", "patch", "agent", "memory"]
"""How secrets are had, cheapest first; ``memory`` is attach's."""
OF_RUN: tuple[str, ...] = (*get_args(Evidence), "environment", "preload", "patch", "agent")
OF_ATTACH: tuple[str, ...] = ("libpcap", "dumpcap", "patch", "memory")


class Via(Struct, frozen=True):
    """What is forced; None: whatever can be had."""

    evidence: Evidence | None = None
    secrets: Secrets | None = None

    def allows(self, secrets: Secrets) -> bool:
        """Whether secrets may be had in this way."""
        return self.secrets in (None, secrets)

    @property
    def words(self) -> str | None:
        """One line for the report; None where nothing is forced."""
        asked = [each for each in (self.evidence, self.secrets) if each is not None]
        return f"Asked for by --via: {' and '.join(asked)}, and nothing else was tried." if asked else None


ANYHOW = Via()


def chosen(words: Sequence[str]) -> Via:
    """Read the values of ``--via``.

    Raises:
        UserError: two of them are about the same.

    """
    evidence = [word for word in words if word in get_args(Evidence)]
    secrets = [word for word in words if word in get_args(Secrets)]
    for several in (evidence, secrets):
        if len(several) > 1:
            message = f"--via: {several[0]} or {several[1]}, not both"
            raise UserError(message)
    return Via(
        cast("Evidence", evidence[0]) if evidence else None, cast("Secrets", secrets[0]) if secrets else None
    )
