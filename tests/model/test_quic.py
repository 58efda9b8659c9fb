"""What a capture lost of a QUIC connection, by its acknowledgments."""

from __future__ import annotations

from plainwire.model import QuicInfo, Side


def _quic(*acknowledged: tuple[int, int], seen: tuple[int, ...]) -> QuicInfo:
    """The client acknowledges ranges of the server's packets, of which the capture has some."""
    quic = QuicInfo()
    quic.acknowledged[Side.CLIENT] = [(0, 1, low, high) for low, high in acknowledged]
    quic.numbers[Side.SERVER] = [(packet, number) for packet, number in enumerate(seen)]
    return quic


def test_packets_that_were_acknowledged_and_are_not_there_were_lost_by_the_capture() -> None:
    assert _quic((2, 4), (4, 6), seen=(2, 3, 5, 6)).lost_by_capture(Side.SERVER) == 1
    assert _quic((0, 3), seen=()).lost_by_capture(Side.SERVER) == 4


def test_numbers_that_nobody_acknowledged_were_left_out_or_lost_on_the_way() -> None:
    assert _quic((2, 3), (5, 6), seen=(2, 3, 5, 6)).lost_by_capture(Side.SERVER) == 0


def test_what_is_older_than_the_numbers_that_are_kept_does_not_count() -> None:
    assert _quic((0, 9), seen=(8, 9)).lost_by_capture(Side.SERVER) == 0


def test_a_number_above_the_last_acknowledgment_that_was_passed_over_is_unaccounted_for() -> None:
    assert _quic((0, 3), seen=(0, 1, 2, 3, 4, 6)).unaccounted_for(Side.SERVER) == 1
    assert _quic((0, 3), seen=(0, 1, 2, 3, 4, 5)).unaccounted_for(Side.SERVER) == 0
    assert _quic((0, 3), seen=(0, 1, 2, 3)).unaccounted_for(Side.SERVER) == 0
