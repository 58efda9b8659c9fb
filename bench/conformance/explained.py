"""The differences that are understood: ``explained.tsv``.

One line a difference, or a class of them, in five columns:

* the capture: patterns as for file names, with spaces between;
* whose it is: ``theirs``, tshark has a message that plainwire has not; ``ours``, the other way round;
  ``body``, both have it and its bodies differ; ``decrypted`` and ``packets``, the counts of these differ;
* the kind of message, with ``*`` as well;
* which of them: packets, as numbers and ranges with commas between; ``*``; or ``says TEXT``, those of which
  plainwire itself says that;
* why.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.message import Message

FILE = Path(__file__).with_name("explained.tsv")
_COLUMNS = 5
_SAYS = "says "


@dataclass(frozen=True, slots=True)
class Explanation:
    """One line of the file; ``packets`` None stands for any, ``says`` is empty where it does not matter."""

    captures: tuple[str, ...]
    whose: str
    kind: str
    packets: tuple[range, ...] | None
    says: str
    reason: str

    def fits(self, capture: str, whose: str, message: Message) -> bool:
        """Whether this line is about that message."""
        return (
            whose == self.whose
            and fnmatchcase(message.kind, self.kind)
            and self.says in message.flaw
            and (self.packets is None or any(message.frames[1] in part for part in self.packets))
            and any(fnmatchcase(capture, pattern) for pattern in self.captures)
        )


def read(path: Path = FILE) -> list[Explanation]:
    """The explanations, in the order of the file.

    Raises:
        ValueError: a line has not five columns, or its packets are no numbers.

    """
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_parse(line) for line in lines[1:] if line and not line.startswith("#")]


def _parse(line: str) -> Explanation:
    columns = line.split("\t")
    if len(columns) != _COLUMNS:
        message = f"{len(columns)} columns: {line}"
        raise ValueError(message)
    captures, whose, kind, which, reason = columns
    says = which.removeprefix(_SAYS) if which.startswith(_SAYS) else ""
    packets = None if says or which == "*" else _packets(which)
    return Explanation(tuple(captures.split()), whose, kind, packets, says, reason)


def _packets(text: str) -> tuple[range, ...]:
    ends = [part.partition("-") for part in text.split(",")]
    return tuple(range(int(first), int(last or first) + 1) for first, _, last in ends)


def find(explanations: list[Explanation], capture: str, whose: str, message: Message) -> Explanation | None:
    """The first line that explains this difference."""
    return next((line for line in explanations if line.fits(capture, whose, message)), None)
