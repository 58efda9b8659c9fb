"""Relays in user space, by the address that their packets come from."""

from __future__ import annotations

import numpy as np
import pytest

from plainwire.model import PacketBatch
from plainwire.packets.relays import Relays


def _found(link: int, ahead: int, sender: str, *, caplen: int | None = None) -> bool:
    data = bytes(ahead) + bytes.fromhex(sender) + bytes(14)
    column = np.array
    packets = PacketBatch(
        data,
        number=column([1]),
        time_ns=column([0]),
        offset=column([0]),
        caplen=column([len(data) if caplen is None else caplen]),
        length=column([len(data)]),
        link=column([link]),
    )
    relays = Relays()
    relays.feed(packets)
    return relays.found


@pytest.mark.parametrize(("link", "ahead"), [(1, 6), (113, 6), (276, 12)])
def test_the_addresses_of_slirp_and_pasta_are_told(link: int, ahead: int) -> None:
    assert _found(link, ahead, "52550a000202")  # slirp4netns 1.2.0, as it answered for 10.0.2.2
    assert _found(link, ahead, "9a559a559a55")
    assert not _found(link, ahead, "525400123456")  # a guest of QEMU
    assert not _found(link, ahead, "525508080808")
    assert not _found(link, ahead, "52550a000202", caplen=ahead + 5)


def test_links_without_addresses_have_no_relay() -> None:
    assert not _found(101, 0, "52550a000202")
