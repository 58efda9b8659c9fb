"""While captures are read: a Ctrl-C ends the reading, not the report."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from plainwire.capture import reader
from plainwire.cli import watching
from plainwire.model import CaptureNote, PacketBatch
from plainwire.pipeline import Analysis
from tests.cli import plain_capture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plainwire.model import CaptureItem


@pytest.fixture(autouse=True)
def usual_interrupt() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def items(tmp_path: Path) -> list[CaptureItem]:
    return list(reader.read([plain_capture.write(tmp_path / "made.pcap")]))


def test_what_is_not_interrupted_goes_through_as_it_is(items: list[CaptureItem]) -> None:
    assert list(watching.watched([])(iter(items))) == items
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_ends_the_reading_with_a_note_and_the_report_is_of_what_was_read(
    items: list[CaptureItem],
) -> None:
    def twice() -> Iterator[CaptureItem]:
        yield from items
        os.kill(os.getpid(), signal.SIGINT)
        yield from items
        pytest.fail("it was read on")

    analysis = Analysis()
    for item in watching.watched([])(twice()):
        analysis.feed(item)
    report = analysis.close()
    packets = sum(len(item.number) for item in items if isinstance(item, PacketBatch))
    assert report.coverage.packets >= packets
    assert [note for note in report.coverage.notes if "stopped by Ctrl-C after packet" in note]
    assert report.exchanges
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_ends_the_command(items: list[CaptureItem]) -> None:
    def interrupted() -> Iterator[CaptureItem]:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        yield from items

    with pytest.raises(KeyboardInterrupt):
        list(watching.watched([])(interrupted()))


def test_a_handler_of_somebody_else_is_left_alone(items: list[CaptureItem]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert not any(isinstance(i, CaptureNote) for i in watching.watched([])(iter(items)))
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize(
    ("read", "total", "seconds", "said"),
    [
        (25, 100, 3.0, "1,000 packets, 25 %, about 9 s left (Ctrl-C: the report of these)"),
        (100, 100, 3.0, "1,000 packets, 100 %, about 1 s left (Ctrl-C: the report of these)"),
        (300, 100, 3.0, "1,000 packets"),  # it was compressed
        (1, 100, 3.0, "1,000 packets"),  # too early to tell
        (0, 0, 3.0, "1,000 packets"),
    ],
)
def test_the_rest_is_estimated_where_that_can_be_done(
    read: int, total: int, seconds: float, said: str
) -> None:
    assert watching.line(1000, read, total, seconds) == said
