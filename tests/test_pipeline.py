"""The joints between the rooms: which connections are the program's, and what the report owns up to."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from plainwire import pipeline
from plainwire.model import ProgramConnection, ProgramEvents

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Report

RAW_IP, SYN = 101, 2


def _syn(port: int) -> bytes:
    """A SYN from 10.0.0.1:port to 10.0.0.2:443, as raw IPv4 (RFC 791, RFC 9293)."""
    tcp = struct.pack("!HHIIBBHHH", port, 443, 1, 0, 5 << 4, SYN, 65535, 0, 0)
    ip = struct.pack("!BBHHHBBH4B4B", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, 10, 0, 0, 1, 10, 0, 0, 2)
    return ip + tcp


def _analyzed(folder: Path, events: ProgramEvents) -> Report:
    packets = [struct.pack("<4I", 1, port, 40, 40) + _syn(port) for port in (5001, 5002)]
    capture = folder / "two.pcap"
    capture.write_bytes(struct.pack("<I2H4I", 0xA1B2C3D4, 2, 4, 0, 0, 65535, RAW_IP) + b"".join(packets))
    return pipeline.analyze([capture], [], events=events, program_only=True)


def test_connections_of_other_programs_are_left_out_and_counted(tmp_path: Path) -> None:
    mine = ("10.0.0.1:5002", "10.0.0.2:443")
    owner = ProgramConnection(pid=7, thread=7, command="client")
    report = _analyzed(tmp_path, ProgramEvents(by_sockets={mine: [(1_005_000_000, owner)]}))
    assert [str(c.client) for c in report.connections] == ["10.0.0.1:5002"]
    assert report.coverage.other_connections == 1


def test_all_connections_stay_where_the_program_could_not_be_watched_and_the_report_says_why(
    tmp_path: Path,
) -> None:
    report = _analyzed(tmp_path, ProgramEvents(notes=["the interposer was not compiled"]))
    assert len(report.connections) == 2
    assert report.coverage.other_connections == 0
    assert report.coverage.notes == ["the interposer was not compiled"]


def test_a_program_that_was_watched_and_made_no_connection_gets_none_of_others(tmp_path: Path) -> None:
    report = _analyzed(tmp_path, ProgramEvents())
    assert report.connections == []
    assert report.coverage.other_connections == 2
