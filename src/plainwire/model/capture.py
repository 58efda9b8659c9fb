"""What capture files hold: packets as columns, secrets, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model.base import Discreet

if TYPE_CHECKING:
    from plainwire.model.base import Int64s


class PacketBatch(Discreet, Struct):
    """Packets as they lie in a capture file: one row a packet, in file order.

    ``data`` holds the packets' bytes (and whatever lies between them in the file);
    ``offset`` and ``caplen`` say where. ``length`` is the length on the wire, which is more than
    ``caplen`` where the snap length cut a packet. ``link`` is the LINKTYPE_ number.
    """

    unshown = ("data",)

    data: bytes
    number: Int64s
    time_ns: Int64s
    offset: Int64s
    caplen: Int64s
    length: Int64s
    link: Int64s


class SecretsBlock(Discreet, Struct):
    """The key log text of a pcapng Decryption Secrets Block."""

    unshown = ("data",)

    data: bytes


class CaptureNote(Struct):
    """What reading a capture file brought to light that is not a packet: ``cut off in packet 17``."""

    text: str


class CaptureDrops(Struct):
    """Packets that the capturing kernel or program says it lost (``isb_ifdrop``)."""

    count: int


class CaptureEnd(Struct, frozen=True):
    """How a live capture went. ``dropped`` is None where the kernel did not say; ``trouble`` says what
    ended the capture too early (full disk, interface gone).
    """

    packets: int
    dropped: int | None
    trouble: str | None = None


CaptureItem = PacketBatch | SecretsBlock | CaptureNote | CaptureDrops
