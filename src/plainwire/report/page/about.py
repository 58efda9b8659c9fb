"""What a report is about, beside what the packets tell: where and by what it was made."""

from __future__ import annotations

from msgspec import Struct


class About(Struct, frozen=True):
    """Lines for the head of the page; empty where not known. Safe to print: the caller sees to it.

    ``capture`` names the file or the case, ``host`` the machine on which the program ran, ``versions`` what
    took part: ``("plainwire", "0.1.0")``.
    """

    capture: str = ""
    host: str = ""
    versions: tuple[tuple[str, str], ...] = ()
