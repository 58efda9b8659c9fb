"""Many segments at once, and the first ones by the kernel, give what they give one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire import kernel
from plainwire.model import FIN, RST, SYN, Side
from tests.streams.wire import Wire, everything, streams

if TYPE_CHECKING:
    from collections.abc import Iterable

C, S = Side.CLIENT, Side.SERVER

_Packets = list[tuple[int, bytes, int]]


def conversation(sizes: Iterable[int], *, isn: tuple[int, int] = (1000, 2**32 - 60)) -> Wire:
    """Short requests, answers in segments of these sizes, each acknowledged."""
    wire = Wire(isn=isn).opened()
    asked = answered = 0
    for number, size in enumerate(sizes):
        if number % 3 == 0:
            wire.client(asked, b"ask", ack=answered)
            asked += 3
        wire.server(answered, bytes((number + i) % 251 for i in range(size)), ack=asked)
        answered += size
        wire.client(asked, ack=answered)
    return wire.closed(asked, answered)


def disturbed(draw: st.DataObject, packets: _Packets) -> _Packets:
    """Lose, repeat, move, delay and cut some packets."""
    packets = list(packets)
    for _ in range(draw.draw(st.integers(0, 6))):
        at = draw.draw(st.integers(0, len(packets) - 1))
        when, data, length = packets[at]
        match draw.draw(st.sampled_from(["lose", "again", "later", "wait", "cut", "flag"])):
            case "lose" if len(packets) > 1:
                del packets[at]
            case "again":
                packets.insert(draw.draw(st.integers(at, len(packets))), packets[at])
            case "later":
                packets.insert(draw.draw(st.integers(0, len(packets) - 1)), packets.pop(at))
            case "wait":
                pause = draw.draw(st.sampled_from([50, 700, 1500, 40_000]))
                packets[at:] = [(w + pause, d, n) for w, d, n in packets[at:]]
            case "cut":
                packets[at] = when, data[: max(40, len(data) - 3)], length
            case "flag":
                flag = draw.draw(st.sampled_from([FIN, SYN, RST]))
                packets[at] = when, data[:33] + bytes([data[33] ^ flag]) + data[34:], length
    return packets


@settings(max_examples=60)
@given(st.data(), st.integers(1, 60))
def test_whatever_happened_the_batches_make_no_difference(draw: st.DataObject, count: int) -> None:
    isn = draw.draw(st.sampled_from([(1000, 5000), (2**32 - 9, 2**32 - 60), (2**31 - 5, 2**31 - 300)]))
    wire = conversation((7 + number % 5 for number in range(count)), isn=isn)
    first = draw.draw(st.integers(0, 5))
    packets = disturbed(draw, wire.packets[first:])
    cuts = draw.draw(st.lists(st.integers(1, len(packets)), max_size=4))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(kernel, "compiled", None)  # Python is the reference
        expected = everything(streams(packets, range(len(packets))))
        assert everything(streams(packets)) == expected
    assert everything(streams(packets)) == expected
    assert everything(streams(packets, cuts)) == expected


@pytest.mark.parametrize("odd", [20, 61, 100])
@pytest.mark.parametrize("what", ["lost", "moved", "twice", "reset"])
def test_one_odd_packet_in_a_long_run(odd: int, what: str) -> None:
    packets = conversation([10] * 120).packets
    if what == "lost":
        del packets[odd]
    elif what == "moved":
        packets.insert(odd + 4, packets.pop(odd))
    elif what == "twice":
        packets.insert(odd, packets[odd])
    else:
        when, data, length = packets[odd]
        packets[odd] = when, data[:33] + bytes([RST]) + data[34:], length
    assert everything(streams(packets)) == everything(streams(packets, range(len(packets))))
