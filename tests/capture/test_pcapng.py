"""Files that we write, read by Wireshark's own programs."""

from __future__ import annotations

import stat
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.capture import pcapng
from plainwire.model import UserError
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

ETHERNET = 1
RANDOM, SECRET = "ab" * 32, "cd" * 48
FRAME = bytes.fromhex("ffffffffffff0200000000010800") + b"payload of any kind"


def frames(path: Path) -> list[list[str]]:
    """Time, length on the wire and captured length of each packet, as tshark sees them."""
    command = [tool("tshark"), "-n", "-r", str(path), "-T", "fields"]
    for name in ("frame.time_epoch", "frame.len", "frame.cap_len"):
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def secrets_in(path: Path) -> str:
    """What capinfos says about the secrets in a file."""
    done = subprocess.run([tool("capinfos"), path], capture_output=True, text=True, check=False)
    return "".join(line for line in done.stdout.splitlines(keepends=True) if "decryption secrets" in line)


def written(path: Path, *packets: tuple[float, int, bytes]) -> Path:
    """A capture file with these packets: time, length on the wire, data."""
    pieces: list[bytes] = []
    add = pcapng.packet_blocks(pieces)
    for packet in packets:
        add(*packet)
    file = pcapng.BlockFile(path, pcapng.file_header("lo", ETHERNET, 262_144))
    file.write(b"".join(pieces))
    file.write(pcapng.statistics(len(packets), 0, 1_700_000_009_000_000))
    file.close()
    return path


def test_packets_come_back_with_time_length_and_captured_length(tmp_path: Path) -> None:
    packets = [(1_700_000_000.000001 + size, size + 40, FRAME[:14] + bytes(size)) for size in range(46, 54)]
    path = written(tmp_path / "a.pcapng", *packets)
    assert frames(path) == [
        [f"{1_700_000_000 + size}.000001000", str(size + 40), str(size + 14)] for size in range(46, 54)
    ]


@pytest.mark.parametrize("micros", [0, 1, 499_999, 500_000, 999_999])
def test_a_time_given_as_a_float_keeps_its_microsecond(tmp_path: Path, micros: int) -> None:
    seconds = 4_294_967_295  # 2106: floats are coarsest at the far end
    path = written(tmp_path / "a.pcapng", (seconds + micros / 1e6, 60, FRAME))
    assert frames(path)[0][0] == f"{seconds}.{micros:06d}000"


def test_a_capture_is_for_its_owner_only(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pcapng", (1.0, 60, FRAME))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    pcapng.embed_secrets(path, f"CLIENT_RANDOM {RANDOM} {SECRET}\n".encode())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_text("evidence")
    with pytest.raises(UserError, match="File exists"):
        pcapng.BlockFile(path)
    assert path.read_text() == "evidence"


def test_a_full_disk_leaves_whole_packets(tmp_path: Path) -> None:
    path, limit = tmp_path / "a.pcapng", 10_001
    script = f"""
import pathlib, resource
from plainwire.capture import pcapng
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
pieces = []
add = pcapng.packet_blocks(pieces)
for number in range(2000):
    add(1e9 + number, 60, bytes(60))
file = pcapng.BlockFile(pathlib.Path({str(path)!r}), pcapng.file_header("lo", 1, 262144))
file.write(b"".join(pieces[:300]))
file.write(b"".join(pieces[300:]))
file.write(b"".join(pieces[:30]))
print(file.trouble)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "File too large\n"
    assert limit - 200 < path.stat().st_size <= limit
    assert [float(row[0]) for row in frames(path)] == [1e9 + number for number in range(len(frames(path)))]


def test_only_lines_of_a_key_log_go_in_and_each_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pcapng", (1.0, 60, FRAME))
    before = frames(path)
    good = [
        f"CLIENT_RANDOM {RANDOM} {SECRET}",
        f"CLIENT_TRAFFIC_SECRET_0 {RANDOM} {SECRET[:64]}",
        f"RSA Session-ID:{RANDOM} Master-Key:{SECRET}",
    ]
    junk = [
        "# comment",
        "",
        "password=hunter2",
        f"CLIENT_RANDOM {RANDOM} {SECRET} hunter2",
        "RSA hunter2",
        "\x00",
    ]
    assert pcapng.embed_secrets(path, "\r\n".join([*good, *junk, *good]).encode()) == len(good)
    assert secrets_in(path) == "Number of decryption secrets in file: 1\n"
    assert frames(path) == before
    data = path.read_bytes()
    assert ("\n".join(good) + "\n").encode() in data
    assert b"hunter2" not in data


def test_without_a_secret_the_file_stays_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pcapng", (1.0, 60, FRAME))
    before = path.read_bytes()
    assert pcapng.embed_secrets(path, b"nothing of use\n") == 0
    assert path.read_bytes() == before


def test_secrets_go_behind_all_interfaces_of_a_merged_file(tmp_path: Path) -> None:
    one = written(tmp_path / "one.pcapng", (2.0, 60, FRAME), (4.0, 60, FRAME))
    two = written(tmp_path / "two.pcapng", (1.0, 61, FRAME), (3.0, 61, FRAME))
    merged = tmp_path / "merged.pcapng"
    subprocess.run([tool("mergecap"), "-I", "none", "-w", merged, one, two], check=True)
    before = frames(merged)
    assert len(before) == 4
    pcapng.embed_secrets(merged, f"CLIENT_RANDOM {RANDOM} {SECRET}\n".encode())
    assert frames(merged) == before
    assert secrets_in(merged) == "Number of decryption secrets in file: 1\n"


def test_secrets_go_into_a_file_of_the_other_byte_order(tmp_path: Path) -> None:
    path = tmp_path / "big.pcapng"
    section = struct.pack(">IIIHHqI", pcapng.SECTION, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack(">IIHHII", pcapng.INTERFACE, 20, ETHERNET, 0, 65535, 20)
    packet = (
        struct.pack(">IIIIIII", pcapng.PACKET, 96, 0, 0, 1_000_000, 64, 64)
        + bytes(64)
        + struct.pack(">I", 96)
    )
    path.write_bytes(section + interface + packet)
    pcapng.embed_secrets(path, f"CLIENT_RANDOM {RANDOM} {SECRET}\n".encode())
    assert frames(path) == [["1.000000000", "64", "64"]]
    assert secrets_in(path) == "Number of decryption secrets in file: 1\n"


def test_secrets_go_into_a_file_that_was_cut_in_mid_packet(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pcapng", (1.0, 60, FRAME), (2.0, 60, FRAME))
    rest = path.read_bytes()[-150:-60]
    path.write_bytes(path.read_bytes()[:-60])
    pcapng.embed_secrets(path, f"CLIENT_RANDOM {RANDOM} {SECRET}\n".encode())
    assert path.read_bytes().endswith(rest)
    assert secrets_in(path) == "Number of decryption secrets in file: 1\n"


def test_packets_that_are_not_to_be_kept_are_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pcapng", *((float(number), 60, FRAME) for number in range(1, 1001)))
    keep = bytearray(number % 3 == 0 for number in range(1, 1001))
    assert pcapng.embed_secrets(path, b"", keep=keep) == 0
    assert [float(time) for time, *_ in frames(path)] == list(range(3, 1001, 3))
    assert pcapng.embed_secrets(path, f"CLIENT_RANDOM {RANDOM} {SECRET}".encode(), keep=bytes(333)) == 1
    assert frames(path) == []
    assert "1" in secrets_in(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.pcapng"]


def test_where_secrets_find_no_room_the_capture_stays_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pcapng", *((float(number), 60, FRAME) for number in range(1, 100)))
    before = path.read_bytes()
    script = f"""
import pathlib, resource
from plainwire.capture import pcapng
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before)}, {len(before)}))
try:
    pcapng.embed_secrets(pathlib.Path({str(path)!r}), b"CLIENT_RANDOM {RANDOM} {SECRET}")
except pcapng.UserError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "a.pcapng could not be completed: File too large\n"
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.pcapng"]


def test_a_file_that_is_no_pcapng_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_text("no capture at all")
    with pytest.raises(UserError, match="not a pcapng file"):
        pcapng.embed_secrets(path, f"CLIENT_RANDOM {RANDOM} {SECRET}\n".encode())
    assert path.read_text() == "no capture at all"
