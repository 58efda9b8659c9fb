"""The classes of evidence that a rule can rest on. How sure they make a verdict, only ``certainty`` says."""

from __future__ import annotations

import enum
from typing import TypeAlias


class Ground(enum.Enum):
    """One class of evidence. A verdict names all that it needs: the weakest of them decides."""

    SEALED = "what was read within the encryption"
    """Only a holder of the keys can have said it, whoever carries the packets."""
    SAID = "what a message or a frame says"
    """As good as the above on an encrypted connection; clear text anything on the way can write."""
    NUMBERS = "sequence and acknowledgment numbers, and windows"
    """What each side had received, and which act came first: true wherever the packets were captured."""
    FLAG = "a bare FIN or RST"
    """Anything on the way can send it in somebody's name; on one host nothing is on the way."""
    SILENCE = "what did not come"
    HABIT = "what happened several times in the same way"
    ONCE = "what would be a habit, and was seen once"
    INFERENCE = "what fits best"
    GUESS = "what other reasons fit as well"


Grounds: TypeAlias = tuple[Ground, ...]
"""All the classes that a verdict needs."""
