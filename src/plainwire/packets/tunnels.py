"""Packets inside packets: GRE and its kin above IP, and what UDP carries by its port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plainwire.packets.layers import Found, Kind, Layer, Rows

if TYPE_CHECKING:
    from collections import Counter


def udp(rows: Rows, layer: Layer, passed_over: Counter[str]) -> Found:
    """RFC 768; a length of 0 is a jumbogram's (RFC 2675 section 4), or offload's."""
    length = rows.be16(layer.at + 4)
    good = (layer.at + 8 <= rows.end[layer.row]) & ((length >= 8) | (length == 0))
    good &= layer.at + 8 <= layer.end
    if not good.all():
        passed_over["damaged UDP headers"] += int((~good).sum())
        layer, length = layer.only(good), length[good]
    end = np.where(length > 0, np.minimum(layer.at + length, layer.end), layer.end)
    yield Kind.DATAGRAM, Layer(layer.row, layer.at + 8, end, layer.head, layer.version)


HANDLERS = {Kind.UDP: udp}
