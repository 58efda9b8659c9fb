"""Records of the interposer, made here, and the segments that come of them. Real ones: ``tests/cli``."""

from __future__ import annotations

import errno
import os
import random
import struct
from typing import TYPE_CHECKING

from plainwire.acquire import socket_trace

if TYPE_CHECKING:
    from pathlib import Path

HEAD = struct.Struct("=8sQQQIIIIIIIiBBBBHH16s16s")
CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 443)
ESTABLISHED, SYN_SENT, CLOSED, CLOSE_WAIT = 1, 2, 7, 8
MS = 1_000_000
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def record(
    kind: str,
    at: float,
    data: bytes = b"",
    *,
    state: int = ESTABLISHED,
    acked: int = 1,
    received: int = 0,
    error: int = 0,
    unread: int = 0,
    last_ack: int = 0,
    ends: tuple[tuple[str, int], tuple[str, int] | None] = (CLIENT, SERVER),
    pid: int = 7,
) -> bytes:
    """One record, ``at`` milliseconds."""
    local, peer = ends
    head = HEAD.pack(
        b"plainwi\n", int(at * MS) + 1, acked, received, pid, pid, len(data), len(data), unread, 0, last_ack,
        error, ord(kind), state, 4, 4 if peer else 0, _port(local), _port(peer), _ip(local), _ip(peer),
    )  # fmt: skip
    return head + data


def _port(end: tuple[str, int] | None) -> int:
    return 0 if end is None else int.from_bytes(end[1].to_bytes(2, "big"), "little")


def _ip(end: tuple[str, int] | None) -> bytes:
    return b"" if end is None else bytes(map(int, end[0].split(".")))


OPENED = record("C", 0, state=CLOSED, acked=0) + record("E", 80)


def made(folder: Path, *records: bytes) -> tuple[list[tuple[float, str, int, int, int, bytes]], str | None]:
    """Of each segment: when (ms), whose, its flags, its seq and ack behind the SYN, its payload."""
    file = folder / "trace"
    file.write_bytes(b"".join(records))
    descriptor = os.open(file, os.O_RDONLY)
    try:
        segments, cut = socket_trace.segments(descriptor)
    finally:
        os.close(descriptor)
    return [_read(segment) for segment in segments], cut


def _read(segment: socket_trace.TracedSegment) -> tuple[float, str, int, int, int, bytes]:
    data = segment.data
    port, _, seq, ack, offset, flags = struct.unpack_from(">HHIIBB", data, 20)
    ours = port == CLIENT[1]
    first, second = (0x10000001, 0x20000001) if ours else (0x20000001, 0x10000001)
    assert data[8] == 0  # the TTL
    assert struct.unpack_from(">H", data, 2)[0] == segment.length
    payload = data[20 + (offset >> 2) :]
    known = ack - second if flags & ACK else -1
    return (segment.time_ns - 1) / MS, "client" if ours else "server", flags, seq - first, known, payload


def test_request_and_response(tmp_path: Path) -> None:
    segments, cut = made(
        tmp_path,
        OPENED,
        record("S", 100, b"request"),
        record("R", 200, b"resp", acked=8, received=8),
        record("R", 201, b"onse", acked=8, received=8),
        record("Q", 300, acked=8, received=8),
    )
    assert cut is None
    assert segments == [
        (0, "client", SYN, -1, -1, b""),
        (80, "server", SYN | ACK, -1, 0, b""),
        (80, "client", ACK, 0, 0, b""),
        (100, "client", PSH | ACK, 0, 0, b"request"),
        (200, "server", PSH | ACK, 0, 7, b"response"),
        (300, "client", FIN | ACK, 7, 8, b""),
    ]


def test_what_the_kernel_had_came_before_what_was_sent_then(tmp_path: Path) -> None:
    """The program reads a close after it has sent its request: the kernel had had it for five seconds."""
    segments, _ = made(
        tmp_path,
        OPENED,
        record("S", 6000, b"late", state=CLOSE_WAIT, received=6, last_ack=5000),
        record("R", 6001, b"close", state=CLOSE_WAIT, received=6),
        record("R", 6002, state=CLOSE_WAIT, received=6),
        record("Q", 6003, state=CLOSE_WAIT, received=6),
    )
    assert [(each[1], each[2], each[5]) for each in segments[3:]] == [
        ("server", PSH | ACK, b"close"),
        ("server", FIN | ACK, b""),
        ("client", PSH | ACK, b"late"),
        ("client", FIN | ACK, b""),
    ]
    assert segments[5][4] == 6  # the request acknowledges the close
    assert segments[4][0] <= segments[5][0]


def test_fin_that_the_kernel_counts_and_does_not_name_yet_is_no_byte(tmp_path: Path) -> None:
    """TCP_INFO has the state of a moment before: a later record names it, or none does."""
    before = OPENED + record("R", 90, b"close", received=5)
    for later in (record("R", 101, state=CLOSE_WAIT, received=6), b""):
        segments, _ = made(tmp_path, before, record("S", 100, b"x"), later, record("Q", 102, received=6))
        assert [(each[1], each[2]) for each in segments[3:]] == [
            ("server", PSH | ACK),
            ("client", PSH | ACK),
            ("server", FIN | ACK),
            ("client", FIN | ACK),
        ]


def test_a_reset_says_nothing_of_what_it_acknowledges(tmp_path: Path) -> None:
    segments, _ = made(
        tmp_path,
        OPENED,
        record("S", 100, b"request"),
        record("X", 150, error=errno.ECONNRESET, state=CLOSED),
        record("X", 151, error=errno.EPIPE, state=CLOSED),
        record("Q", 160, state=CLOSED),
    )
    assert segments[-1] == (150, "server", RST, 0, -1, b"")


def test_data_that_a_close_throws_away_makes_it_a_reset(tmp_path: Path) -> None:
    segments, _ = made(tmp_path, OPENED, record("Q", 100, b"alert", unread=9, received=9))
    assert [(each[1], each[2], each[5]) for each in segments[3:]] == [
        ("server", PSH | ACK, b"alert"),
        ("client", RST | ACK, b""),
    ]


def test_refused_connects(tmp_path: Path) -> None:
    """A socket whose connect(2) has failed knows its peer no more, and in the end not its own address."""
    at_once = record(
        "C", 0, state=CLOSED, acked=0, error=errno.ECONNREFUSED, ends=(("0.0.0.0", 40001), SERVER)
    )
    later = record("C", 10, state=CLOSED, acked=0, error=errno.EINPROGRESS)
    told = record("X", 90, error=errno.ECONNREFUSED, state=CLOSED, ends=(CLIENT, None))
    segments, _ = made(tmp_path, at_once, later, told)
    assert [(each[0], each[2]) for each in segments] == [(0, SYN), (0, RST | ACK), (10, SYN), (90, RST | ACK)]


def test_connect_that_is_asked_for_again(tmp_path: Path) -> None:
    segments, _ = made(
        tmp_path,
        record("C", 0, state=CLOSED, acked=0, error=errno.EINPROGRESS),
        record("E", 1, state=SYN_SENT),
        record("C", 90),
        record("E", 91),
        record("S", 100, b"request"),
    )
    assert [(each[0], each[2]) for each in segments] == [
        (0, SYN),
        (91, SYN | ACK),
        (91, ACK),
        (100, PSH | ACK),
    ]


def test_of_a_connection_inside_the_program_the_client_s_side_is_told(tmp_path: Path) -> None:
    servers = (SERVER, CLIENT)
    segments, _ = made(
        tmp_path,
        record("A", 79, ends=servers),
        OPENED,
        record("S", 100, b"request"),
        record("R", 101, b"request", received=7, ends=servers),
    )
    assert [each[5] for each in segments if each[5]] == [b"request"]


def test_server_whose_client_speaks_first(tmp_path: Path) -> None:
    servers = (SERVER, CLIENT)
    segments, _ = made(
        tmp_path,
        record("A", 79, acked=0, ends=servers),
        record("R", 90, b"request", acked=0, received=7, ends=servers),
        record("S", 91, b"response", acked=0, received=7, ends=servers),
    )
    assert [(each[1], each[2], each[5]) for each in segments] == [
        ("client", SYN, b""),
        ("server", SYN | ACK, b""),
        ("client", ACK, b""),
        ("client", PSH | ACK, b"request"),
        ("server", PSH | ACK, b"response"),
    ]


def test_copy_of_a_descriptor_that_is_closed_ends_nothing(tmp_path: Path) -> None:
    segments, _ = made(tmp_path, OPENED, record("Q", 90), record("S", 100, b"by the child", pid=8))
    assert [each[2] for each in segments[3:]] == [PSH | ACK]


def test_threads_records_are_put_in_the_order_of_their_times(tmp_path: Path) -> None:
    segments, _ = made(
        tmp_path, OPENED, record("R", 200, b"response", acked=8, received=8), record("S", 100, b"request")
    )
    assert [each[5] for each in segments if each[5]] == [b"request", b"response"]


def test_bytes_that_nobody_saw_are_counted(tmp_path: Path) -> None:
    """Read by a system call of the program's own, say."""
    segments, _ = made(tmp_path, OPENED, record("Q", 100, received=1000))
    file = (tmp_path / "trace").open("rb")
    with file:
        whole = socket_trace.segments(file.fileno())[0][3]
    assert segments[3][5] == b""
    assert (len(whole.data), whole.length) == (40, 1040)


def test_what_is_damaged_ends_it_and_is_said(tmp_path: Path) -> None:
    segments, cut = made(
        tmp_path, OPENED, record("S", 100, b"request"), record("Q", 101)[3:], record("Q", 102)
    )
    assert [each[2] for each in segments[3:]] == [PSH | ACK]
    assert cut == "a record in it is damaged"
    assert made(tmp_path, OPENED, b"plain")[1] == "its last record is cut off"
    assert made(tmp_path, b"") == ([], None)


def test_any_bytes_become_values(tmp_path: Path) -> None:
    chance = random.Random(14)
    good = OPENED + record("S", 100, b"request") + record("R", 101, b"answer", received=6) + record("Q", 102)
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        (tmp_path / "trace").write_bytes(bad)
        with (tmp_path / "trace").open("rb") as file:
            segments, _ = socket_trace.segments(file.fileno())
        assert all(0 <= segment.time_ns < 1 << 63 for segment in segments)
