"""What was asked of name servers."""

from __future__ import annotations

from msgspec import Struct


class Lookup(Struct):
    """One question for the addresses of a name (RFC 1035), from its first sending to its answer.

    ``sent``: (capture packet, time in ns) of each sending. ``code`` is the answer's: ``NOERROR``,
    ``NXDOMAIN``, ``SERVFAIL``; empty where none was seen.
    """

    name: str
    type: str  # "A" or "AAAA"
    client: str
    server: str
    sent: list[tuple[int, int]]
    answer: int | None = None  # capture packet
    answered_ns: int | None = None
    code: str = ""
    addresses: tuple[str, ...] = ()
    cut: bool = False
    """Whether the answer says that it did not fit (TC): a resolver then asks over TCP (RFC 1035, 4.2.1)."""

    @property
    def refused(self) -> bool:
        """Whether the answer says that there is no such name, or that the server cannot or will not tell."""
        return self.code in ("NXDOMAIN", "SERVFAIL", "REFUSED")
