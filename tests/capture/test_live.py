"""Live capture: all of it, to the very end, and honest about what was lost."""

from __future__ import annotations

import concurrent.futures
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.capture import live
from plainwire.capture.pcapng import BlockFile
from plainwire.capture.reader import read
from plainwire.model import CaptureDrops, UserError
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _may_capture() -> None:
    needs("root", "tshark")


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        yield made


def fields(path: Path, display_filter: str, *names: str) -> list[str]:
    """What tshark sees of the packets that pass the filter, tabs between the fields."""
    command = [tool("tshark"), "-n", "-r", str(path), "-Y", display_filter, "-T", "fields"]
    command += [word for name in names for word in ("-e", name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return str(done.stdout).splitlines()


def test_every_packet_of_a_burst_is_there_once_and_in_order(tmp_path: Path, receiver: socket.socket) -> None:
    count, port = 30_000, receiver.getsockname()[1]
    path = tmp_path / "a.pcapng"
    capture = live.start(path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(count):
            sender.sendto(number.to_bytes(4, "big"), ("127.0.0.1", port))
    end = capture.stop()
    assert end.dropped == 0
    assert end.trouble is None
    seen = fields(path, f"udp.dstport == {port}", "data.data")
    assert [int(data, 16) for data in seen] == list(range(count))


def test_where_there_is_no_libpcap_dumpcap_captures(
    tmp_path: Path, receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("dumpcap")
    monkeypatch.setattr(live, "cypcap", None)
    with pytest.raises(UserError, match="package cypcap"):
        live.start(tmp_path / "none.pcapng", only="libpcap")
    capture = live.start(tmp_path / "a.pcapng")
    assert capture.how == "dumpcap"
    receiver.sendto(b"one", receiver.getsockname())
    assert capture.stop().trouble is None
    assert fields(tmp_path / "a.pcapng", f"udp.dstport == {receiver.getsockname()[1]}", "data.data") == [
        b"one".hex()
    ]


def test_nothing_is_lost_at_the_end(tmp_path: Path) -> None:
    """A connection is opened, used and closed, and the capture is stopped at once, fifty times."""

    def connect_and_stop(number: int) -> tuple[str, int]:
        path = tmp_path / f"{number}.pcapng"
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = server.getsockname()
            capture = live.start(path, capture_filter=f"tcp dst port {address[1]}")
            with socket.create_connection(address) as connection:
                connection.sendall(b"last words")
            assert capture.stop().dropped == 0
        return str(path), address[1]

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(connect_and_stop, range(50)))
    merged = tmp_path / "all.pcapng"
    subprocess.run([tool("mergecap"), "-w", str(merged), *(path for path, _ in runs)], check=True)
    seen = fields(merged, "tcp", "tcp.dstport", "tcp.len", "tcp.flags.fin")
    for _, port in runs:
        assert f"{port}\t10\t0" in seen
        assert f"{port}\t0\t1" in seen


def test_the_file_can_be_read_while_the_capture_runs(tmp_path: Path, receiver: socket.socket) -> None:
    path = tmp_path / "a.pcapng"
    port = receiver.getsockname()[1]
    capture = live.start(path)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(60):
                sender.sendto(b"now", ("127.0.0.1", port))
                if fields(path, f"udp.dstport == {port}", "frame.number"):
                    break
            else:
                pytest.fail("no packet came into the file while the capture ran")
    finally:
        capture.stop()


def test_the_filter_and_the_interface_choose(tmp_path: Path, receiver: socket.socket) -> None:
    path = tmp_path / "a.pcapng"
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        other.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
        capture = live.start(path, interface="lo", capture_filter=f"udp dst port {port}")
        sender.sendto(b"left out", other.getsockname())
        sender.sendto(b"taken", ("127.0.0.1", port))
        assert capture.stop().packets == 1
    assert fields(path, "udp", "udp.dstport", "frame.interface_name") == [f"{port}\tlo"]


def test_what_the_kernel_dropped_is_said(
    tmp_path: Path, receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file stands still while more arrives than a small ring holds."""
    go_on = threading.Event()
    write = BlockFile.write

    def slow_write(file: BlockFile, blocks: bytes) -> None:
        if len(blocks) > 1000:
            go_on.wait(60)
        write(file, blocks)

    monkeypatch.setattr(BlockFile, "write", slow_write)
    monkeypatch.setattr(live, "_RING_SIZES", (1 << 20,))
    path, address, count = tmp_path / "a.pcapng", receiver.getsockname(), 500
    capture = live.start(path, interface="lo", capture_filter=f"udp dst port {address[1]}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(bytes(40_000), address)
    go_on.set()
    end = capture.stop()
    assert end.dropped
    missing = count - len(fields(path, "udp", "frame.number"))
    # With a filter, the kernel counts a packet on loopback once as it leaves and once as it arrives.
    assert missing <= end.dropped <= 2 * count
    assert [item.count for item in read([path]) if isinstance(item, CaptureDrops)] == [end.dropped]


def test_a_program_gets_no_descriptor_of_the_capture(tmp_path: Path) -> None:
    before = {entry.name for entry in Path("/proc/self/fd").iterdir()}
    capture = live.start(tmp_path / "a.pcapng")
    try:
        script = "import os; print(*os.listdir('/proc/self/fd'))"
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, close_fds=False
        )
        ours = {entry.name for entry in Path("/proc/self/fd").iterdir()} - before
        assert ours
        # the script's own: the folder that it lists, and the pipes of its output
        assert not {name for name in done.stdout.split() if name in ours and int(name) > 5}
    finally:
        capture.stop()


def test_a_capture_starts_while_other_threads_open_and_close_files(tmp_path: Path) -> None:
    ended = threading.Event()

    def open_and_close() -> None:
        while not ended.is_set():
            tmp_path.joinpath("other").write_bytes(b"")

    def start_and_stop(number: int) -> bool:
        return live.start(tmp_path / f"{number}.pcapng", interface="lo").stop().trouble is None

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        others = [pool.submit(open_and_close) for _ in range(4)]
        try:
            assert all(start_and_stop(number) for number in range(12))
        finally:
            ended.set()
        assert [other.exception() for other in others] == [None] * 4


def test_an_interface_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^nope0: no such network interface \(there are: any, .*\blo\b.*\)$"):
        live.start(tmp_path / "a.pcapng", interface="nope0")


def test_a_filter_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^capture filter 'tcp prot 80': .*syntax error$"):
        live.start(tmp_path / "a.pcapng", capture_filter="tcp prot 80")
    assert not (tmp_path / "a.pcapng").exists()
