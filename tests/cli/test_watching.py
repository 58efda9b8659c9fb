"""While captures are read: a Ctrl-C ends the reading, not the report."""

from __future__ import annotations

import io
import os
import signal
from typing import TYPE_CHECKING

import pytest

from plainwire.capture import reader
from plainwire.cli import watching
from plainwire.model import CaptureNote, PacketBatch
from plainwire.pipeline import Analysis
from tests.cli import plain_capture
from tests.cli.terminal import Terminal
from tests.waiting import wait_until

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


def stoppable(items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
    return watching.Watch(stops=True).through(items)


def test_what_is_not_interrupted_goes_through_as_it_is(items: list[CaptureItem]) -> None:
    assert list(stoppable(iter(items))) == items
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
    for item in stoppable(twice()):
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
        list(stoppable(interrupted()))


def test_a_handler_of_somebody_else_is_left_alone(items: list[CaptureItem]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert not any(isinstance(i, CaptureNote) for i in stoppable(iter(items)))
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize(
    ("read", "size", "seconds", "said"),
    [
        (25, 100, 3.0, "1,000 packets, 25 MB, 25 %, about 9 s left"),
        (100, 100, 3.0, "1,000 packets, 100 MB, 100 %, about 1 s left"),
        (300, 100, 3.0, "1,000 packets, 300 MB"),  # it was compressed
        (1, 100, 3.0, "1,000 packets, 1 MB"),  # too early to tell
        (5, 0, 3.0, "1,000 packets, 5 MB"),
    ],
)
def test_the_rest_is_estimated_where_that_can_be_done(
    read: int, size: int, seconds: float, said: str
) -> None:
    assert watching.line(1000, read * 1_000_000, size * 1_000_000, seconds) == said


def test_long_work_is_told_on_a_terminal_and_the_line_goes_away(
    items: list[CaptureItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PATIENCE", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    terminal = Terminal()
    with watching.Watch(terminal) as watch:
        watch.step("reading", 1)
        assert list(watch.through(iter(items))) == items
        wait_until(lambda: "packets" in terminal.getvalue())
        watch.step("writing the report")
        wait_until(lambda: "writing the report" in terminal.getvalue())
    assert terminal.getvalue().endswith(("\x1b[2K", "\x1b[?25h", "\x1b[1A\x1b[2K"))


def test_short_work_is_not_told(items: list[CaptureItem]) -> None:
    terminal = Terminal()
    with watching.Watch(terminal) as watch:
        watch.step("reading", 1)
        assert list(watch.through(iter(items))) == items
    assert not terminal.getvalue()


@pytest.mark.parametrize(
    ("stream", "name", "value"),
    [(io.StringIO, "TERM", "xterm"), (Terminal, "CI", "true"), (Terminal, "TERM", "dumb")],
)
def test_nothing_is_told_where_nobody_looks(
    items: list[CaptureItem],
    monkeypatch: pytest.MonkeyPatch,
    stream: type[io.StringIO],
    name: str,
    value: str,
) -> None:
    monkeypatch.setattr(watching, "PATIENCE", 0.0)
    monkeypatch.setenv(name, value)
    pipe = stream()
    with watching.Watch(pipe) as watch:
        watch.step("reading", 1)
        assert list(watch.through(iter(items))) == items
    assert not pipe.getvalue()
