"""The door of the capture room: whatever the format, however it is fed; files that are none; pipes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.capture import reader
from plainwire.model import CaptureNote, UserError
from tests.builders.captures import (
    NANO,
    NANOSECONDS,
    block,
    enhanced,
    interface,
    obsolete,
    pcap,
    pcap_header,
    secrets,
    section,
    simple,
    statistics,
)
from tests.capture.reading import others, packets, read
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty file"),
        (b"GET", "not a capture file"),
        (b"\x1f\x8b\x08\x00", "the gzip data are cut off"),
        (b"Just some text.\nOf two lines.\n", "not a capture file"),
        (pcap_header()[:23], "cut off inside the file header"),
        (section()[:20], "cut off or damaged in the file header"),
        (section()[:8] + bytes(40), "cut off or damaged in the file header"),
    ],
)
def test_what_is_no_capture_is_one_line(data: bytes, said: str) -> None:
    with pytest.raises(UserError, match=f"^x: {said}[^\n]*$"):
        read(data)


def test_a_missing_file_and_a_folder_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: No such file or directory$"):
        list(reader.read([tmp_path / "nowhere"]))
    with pytest.raises(UserError, match=r"Is a directory$"):
        list(reader.read([tmp_path]))


SAMPLES = [
    pcap([b"first", b"second", b"", b"third" * 9]),
    pcap([b"first", b"second"], order=">", magic=NANO),
    section()
    + interface(1)
    + secrets(b"CLIENT_RANDOM 00 11\n")
    + enhanced(b"first", 5)
    + interface(113, NANOSECONDS)
    + simple(b"second")
    + obsolete(b"third", 7, number=1)
    + section(">")
    + interface(101, order=">")
    + enhanced(b"fourth", 9, length=2000, order=">")
    + block(0x0BAD, b"unknown", ">")
    + statistics(3, ">"),
]
samples = st.sampled_from(SAMPLES)


@given(samples, st.lists(st.integers(1, 70), min_size=1, max_size=5))
def test_a_file_read_in_pieces_of_any_size_is_the_file_read_whole(data: bytes, sizes: list[int]) -> None:
    piecewise = read(data, sizes)
    assert packets(piecewise) == packets(read(data))
    assert others(piecewise) == others(read(data))


@given(samples, st.data())
def test_a_file_cut_anywhere_gives_the_packets_before_the_cut(data: bytes, draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(28, len(data)))
    whole, found = packets(read(data)), packets(read(data[:cut]))
    assert found == whole[: len(found)]
    if cut == len(data):
        assert found == whole


@given(samples, st.data(), st.binary(min_size=1, max_size=40), st.lists(st.integers(1, 99), min_size=1))
def test_junk_anywhere_gives_packets_and_a_note_or_a_user_error(
    data: bytes, draw: st.DataObject, junk: bytes, sizes: list[int]
) -> None:
    at = draw.draw(st.integers(0, len(data)))
    keep = draw.draw(st.sampled_from([0, len(junk)]))  # put in, or written over what was there
    try:
        items = read(data[:at] + junk + data[at + keep :], sizes)
    except UserError:
        return
    numbers = [p[0] for p in packets(items)]
    assert numbers == sorted(set(numbers))
    assert all("\n" not in i.text for i in items if isinstance(i, CaptureNote))


@given(samples, st.lists(st.integers(1, 99), min_size=1))
def test_a_file_twice_over_begins_as_the_file(data: bytes, sizes: list[int]) -> None:
    once, twice = packets(read(data)), packets(read(data + data, sizes))
    assert twice[: len(once)] == once
    if data.startswith(b"\x0a\x0d\x0d\x0a"):  # sections follow each other
        assert [p[1:] for p in twice] == [p[1:] for p in once] * 2


# --- pipes ----------------------------------------------------------------------------------------------


def _read_by_child(stdin: int | None, data: bytes | None) -> str:
    script = """
from plainwire.capture import reader
from plainwire.model import UserError
try:
    print([bytes(b.data[o:o + n]) for b in reader.read(["-"]) for o, n in zip(b.offset, b.caplen)])
except UserError as error:
    print(error)
"""
    closed = "import os; os.close(0)" if stdin is None and data is None else ""
    command = [sys.executable, "-c", closed + script]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def test_standard_input_is_read() -> None:
    assert _read_by_child(None, pcap([b"one", b"two"])) == "[b'one', b'two']"


def test_a_closed_standard_input_is_one_line() -> None:
    assert _read_by_child(None, None) == "-: Bad file descriptor"


def test_a_pipe_that_someone_made_non_blocking_is_read_to_its_end() -> None:
    data = pcap([b"one", b"two"])
    end, begin = os.pipe()
    os.set_blocking(end, False)
    child = subprocess.Popen([sys.executable, "-c", _PRINTER], stdin=end, stdout=subprocess.PIPE)
    os.close(end)
    with _ended(child):
        assert child.stdout is not None
        for cut in (30, len(data)):
            os.write(begin, data[:cut] if cut == 30 else data[30:])
            time.sleep(0.2)
        os.close(begin)
        assert child.communicate(timeout=60)[0].split() == [b"1", b"2"]


_PRINTER = """
from plainwire.capture import reader
from plainwire.model import PacketBatch
for item in reader.read(["-"]):
    if isinstance(item, PacketBatch):
        print(*item.number, sep="\\n", flush=True)
"""
"""Says the number of every packet as soon as it is there."""


@contextlib.contextmanager
def _ended(*processes: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever happens, these processes are gone afterwards."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _line_within(child: subprocess.Popen[bytes], seconds: float) -> bytes:
    """What the child printed, as soon as it printed something."""
    assert child.stdout is not None
    ready, _, _ = select.select([child.stdout], [], [], seconds)
    return os.read(child.stdout.fileno(), 4096) if ready else b""


def _tcpdump(port: int) -> subprocess.Popen[bytes]:
    """A tcpdump that has begun to capture, and writes each packet to its standard output at once."""
    command = [tool("tcpdump"), "-i", "lo", "-U", "-w", "-", f"udp port {port}"]
    dump = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert dump.stderr is not None
    for line in dump.stderr:
        if b"listening on" in line:
            return dump
    pytest.fail("tcpdump did not start")


def test_packets_are_there_while_tcpdump_still_writes() -> None:
    needs("root")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as target:
        target.bind(("127.0.0.1", 0))
        port = target.getsockname()[1]
        dump = _tcpdump(port)
        child = subprocess.Popen([sys.executable, "-c", _PRINTER], stdin=dump.stdout, stdout=subprocess.PIPE)
        with _ended(dump, child):
            seen = b""
            deadline = time.monotonic() + 60
            while b"2" not in seen and time.monotonic() < deadline:
                target.sendto(b"hello", target.getsockname())
                seen += _line_within(child, 0.5)
            assert seen.split()[:2] == [b"1", b"2"]
            assert dump.poll() is None  # all this before the writer's end
            dump.send_signal(signal.SIGINT)
            assert child.wait(60) == 0
