"""IEEE 802.11: data frames, and the headers that capture drivers add before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.packets.layers import Found, HeaderKind, PacketLayer, Rows

if TYPE_CHECKING:
    from collections import Counter

    from plainwire.packets.layers import Bools

_DATA, _NO_DATA, _QOS = 0x08, 0x40, 0x80  # of the first byte: type data; subtype bits
_TO_DS, _FROM_DS, _MORE, _PROTECTED, _ORDER = 0x01, 0x02, 0x04, 0x40, 0x80  # of the second
_AGGREGATE = 0x80  # of the quality of service field
_MOST_SUBFRAMES = 64
_MOST_BITMAPS = 8


def frame(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """IEEE 802.11-2020 section 9.2.4: the header's length depends on its flags; LLC follows."""
    return _frame(rows, layer, np.zeros(len(layer.row), dtype=np.bool_), passed_over)


def _frame(rows: Rows, layer: PacketLayer, padded: Bools, passed_over: Counter[str]) -> Found:
    """``padded``: the driver pads the header to whole words."""
    control, flags = rows.byte(layer.at), rows.byte(layer.at + 1)
    good = (control & 0x0F == _DATA) & (control & _NO_DATA == 0)
    whole = (flags & _MORE == 0) & (rows.byte(layer.at + 22) & 15 == 0)
    for chosen, name in (
        (good & (flags & _PROTECTED != 0), "encrypted Wi-Fi frames"),
        (good & (flags & _PROTECTED == 0) & ~whole, "Wi-Fi fragments"),
    ):
        if chosen.any():
            passed_over[name] += int(chosen.sum())
    good &= whole & (flags & _PROTECTED == 0)
    size = np.where(flags & 3 == _TO_DS | _FROM_DS, 30, 24)
    qos = control & _QOS != 0
    aggregate = good & qos & (rows.byte(layer.at + size) & _AGGREGATE != 0)
    size = np.where(qos, size + 2 + np.where(flags & _ORDER != 0, 4, 0), size)
    size = np.where(padded, size + 3 & ~3, size)
    body = layer.skip(size)
    yield HeaderKind.LLC, body.only(good & ~aggregate)
    yield from _subframes(rows, body.only(aggregate))


def _subframes(rows: Rows, layer: PacketLayer) -> Found:
    """A-MSDU (section 9.3.2.2): addresses, length, LLC; the next begins on a multiple of four bytes."""
    base = layer.at
    for _ in range(_MOST_SUBFRAMES):
        here = layer.at + 14 <= rows.end[layer.row]
        size = rows.be16(layer.at + 12)
        here &= (size > 0) & (layer.at + 14 + size <= layer.end)
        if not here.any():
            return
        layer, base, size = layer.only(here), base[here], size[here]
        yield HeaderKind.LLC, PacketLayer(layer.row, layer.at + 14, layer.at + 14 + size, layer.head)
        layer = layer.skip(14 + size)
        layer = layer.skip(-(layer.at - base) & 3)


_TSFT, _FLAGS, _EXTENDED = 1, 2, 1 << 31
_PADDED = 0x20


def radiotap(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """radiotap.org: version, length, bitmaps of the fields present; the flags tell of padding."""
    good = rows.byte(layer.at) == 0
    layer = layer.only(good)
    present = rows.le32(layer.at + 4)
    at, more = layer.at + 8, present & _EXTENDED != 0
    for _ in range(_MOST_BITMAPS):
        if not more.any():
            break
        following = rows.le32(at) & _EXTENDED != 0
        at = np.where(more, at + 4, at)
        more &= following
    after_time = (at - layer.at + 7 & ~7) + 8 + layer.at
    flags = rows.byte(np.where(present & _TSFT != 0, after_time, at))
    padded = (present & _FLAGS != 0) & (flags & _PADDED != 0)
    yield from _frame(rows, layer.skip(rows.le16(layer.at + 2)), padded, passed_over)


def prism(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """Prism's header has its length in the host's byte order, AVS (known by its cookie) in network order."""
    avs = rows.be32(layer.at) & 0xFFFFF000 == 0x80211000
    little, big = rows.le32(layer.at + 4), rows.be32(layer.at + 4)
    size = np.where(avs, big, np.minimum(little, big))
    return frame(rows, layer.skip(size), passed_over)
