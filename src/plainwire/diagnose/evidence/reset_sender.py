"""Who sent a RST: its marks of having been made by something other than the server's own stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.model import Evidence

from .closes import is_reactive, life_after
from .ends import on_one_host, ttl_jump
from .round_trip import too_early

if TYPE_CHECKING:
    from plainwire.diagnose.grounds import Grounds
    from plainwire.model import CloseEvent, Connection, Fault


class Origin(Struct, frozen=True):
    """Where a RST seems to come from, on which grounds, and why. ``fault`` is server, path or unknown."""

    fault: Fault
    grounds: Grounds
    says: str
    evidence: tuple[Evidence, ...] = ()


def of_reset(connection: Connection, reset: CloseEvent) -> Origin:
    """Judge a RST in the server's name.

    It is bare TCP: even without a foreign mark it is never more than likely the server's own, except on
    one host, where nothing sits between the two ends. One foreign mark may have another reason (a
    load balancer's second machine); two, or a server that goes on sending, hardly.
    """
    foreign = _foreign_marks(connection, reset)
    if foreign:
        several = len(foreign) > 1 or foreign[-1].packet != reset.packet
        grounds = (Ground.INFERENCE if several else Ground.GUESS,)
        marks = "; ".join(mark.says for mark in foreign)
        return Origin("path", grounds, f"{marks[0].upper()}{marks[1:]}.", tuple(foreign))
    if is_reactive(reset):
        says = "The reset has no ACK: it answers for a connection that its sender did not know any more."
        return Origin("unknown", (Ground.GUESS,), says)
    if on_one_host(connection):
        says = "Both ends are on this host: nothing between them could have sent the reset."
        return Origin("server", (Ground.FLAG,), says)
    says = "That the server's end sent the reset is likely: nothing in the packet speaks against it"
    return Origin("server", (Ground.FLAG,), f"{says}{_ttl_words(connection, reset)}.")


def _foreign_marks(connection: Connection, reset: CloseEvent) -> list[Evidence]:
    marks = []
    jump = ttl_jump(connection, reset)
    if jump is not None:
        marks.append(
            Evidence(reset.packet, f"its TTL is {jump[0]}, that of the server's other packets {jump[1]}")
        )
    # On one host a round trip is how busy that host was; a relay keeps no time of the path.
    early = None if on_one_host(connection) or connection.relayed else too_early(connection, reset)
    if early is not None:
        delay, rtt = wording.span(early[0]), wording.span(early[1])
        marks.append(Evidence(reset.packet, f"it came after {delay}, sooner than one round trip ({rtt})"))
    alive = life_after(connection, reset)
    if alive is not None:
        marks.append(
            Evidence(alive, f"the server went on sending after it (packet {alive}), too late for the client")
        )
    return marks


def _ttl_words(connection: Connection, reset: CloseEvent) -> str:
    if reset.ttl <= 0 or connection.segments is None:
        return ""
    return f" (TTL {reset.ttl} as in the server's other packets)"
