"""The differences that are understood: ``explained.tsv``.

One line a difference, or a class of them, in five columns:

* the capture's name, with ``*`` as in file names;
* whose it is: ``theirs``, tshark has a message that plainwire has not; ``ours``, the other way round, or
  ``ours-cut`` and ``ours-defective`` where plainwire says so of it; ``body``, both have it, and its bodies
  differ;
* the kind of message, with ``*`` as well;
* its packets, numbers and ranges with commas between, or ``*``;
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


@dataclass(frozen=True, slots=True)
class Explanation:
    """One line of the file; ``packets`` None stands for any."""

    capture: str
    whose: str
    kind: str
    packets: tuple[range, ...] | None
    reason: str

    def fits(self, capture: str, whose: str, message: Message) -> bool:
        """Whether this line is about that message."""
        return (
            whose == self.whose
            and fnmatchcase(capture, self.capture)
            and fnmatchcase(message.kind, self.kind)
            and (self.packets is None or any(message.frames[1] in part for part in self.packets))
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
    capture, whose, kind, packets, reason = columns
    return Explanation(capture, whose, kind, _packets(packets), reason)


def _packets(text: str) -> tuple[range, ...] | None:
    if text == "*":
        return None
    ends = [part.partition("-") for part in text.split(",")]
    return tuple(range(int(first), int(last or first) + 1) for first, _, last in ends)


def find(explanations: list[Explanation], capture: str, whose: str, message: Message) -> str | None:
    """Why there is this difference, where that is known."""
    for explanation in explanations:
        if explanation.fits(capture, whose, message):
            return explanation.reason
    return None
