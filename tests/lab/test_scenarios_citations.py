"""Findings cite packets that show what is said of them: each cited packet is opened with tshark.

What the evidence says in words is parsed here (flags, sender, Seq=, Ack=, TTL, alerts, frames of HTTP/2) and
held against tshark's fields of that packet.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from plainwire.lab.play import PlayFiles
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIN, RST, ACK = 0x01, 0x04, 0x10
CLOSE_NOTIFY = "0"  # RFC 8446 section 6
RST_STREAM, GOAWAY = "3", "7"  # RFC 9113 section 6
FIELDS = (
    *("frame.number", "ip.src", "tcp.srcport", "ip.dst", "tcp.dstport", "tcp.flags", "tcp.seq", "tcp.ack"),
    *("tcp.len", "ip.ttl", "tls.alert_message.desc", "http2.type"),
)
PLAYED = (
    "reset-mid-request",
    "keepalive-idle-race",
    "stale-connection-reuse",
    "nat-idle-reset",
    "middlebox-injected-reset",
    "handshake-reset",
    "goaway-race",
)


@dataclass(frozen=True)
class Packet:
    """One packet as tshark sees it; numbers of TCP relative, as Wireshark shows them."""

    source: str
    target: str
    flags: int
    seq: int
    ack: int
    size: int
    ttl: int
    alerts: list[str]
    frames: list[str]


@pytest.mark.parametrize("name", PLAYED)
def test_cited_packets_show_what_the_evidence_says(name: str, tmp_path: Path) -> None:
    needs("root")
    tshark = tool("tshark")
    command = [sys.executable, "-m", "plainwire.lab.play", name, str(tmp_path)]
    played = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    stage = PlayFiles(tmp_path)
    assert stage.case.report_json.exists(), played.stdout + played.stderr
    report = json.loads(stage.case.report_json.read_bytes())
    packets = _packets(tshark, stage.case.capture)
    ends = {each["id"]: (_end(each["client"]), _end(each["server"])) for each in report["connections"]}
    checked = 0
    for finding in report["findings"]:
        carriers = {each["connection"] for each in report["exchanges"] if each["id"] in finding["exchanges"]}
        belongs = {ends[number] for number in {*finding["connections"], *carriers}}
        for evidence in finding["evidence"]:
            wrong = list(_wrong(packets[evidence["packet"]], evidence["says"], belongs))
            assert not wrong, (finding["code"], evidence, packets[evidence["packet"]], wrong)
            checked += 1
    assert checked, played.stdout


@pytest.mark.parametrize(
    "says",
    [
        "FIN from the client",
        "RST without ACK from the server",
        "RST, ACK in the server's name, Seq=2",
        "the request, bytes 500 to 600",
        "close_notify (TLS) from the server, Ack=9",
        "its TTL is 250, that of the server's other packets 64",
        "GOAWAY (NO_ERROR) from the server, 7 is the last that is worked on",
    ],
)
def test_words_that_a_packet_does_not_show_are_noticed(says: str) -> None:
    server_ack = Packet("192.0.2.1:443", "192.0.2.2:40000", ACK, 1, 9, 100, 64, [""], [""])
    ends = {("192.0.2.2:40000", "192.0.2.1:443")}
    assert list(_wrong(server_ack, says, ends))
    assert not list(_wrong(server_ack, "the end of the response, Seq=1, Ack=9", ends))
    assert list(_wrong(server_ack, "anything", {("192.0.2.3:1", "192.0.2.1:443")})) == [
        "of another connection"
    ]


def _wrong(packet: Packet, says: str, belongs: set[tuple[str, str]]) -> Iterator[str]:
    """What the packet does not show of what is said."""
    clients, servers = {client for client, _ in belongs}, {server for _, server in belongs}
    if not {(packet.source, packet.target), (packet.target, packet.source)} & belongs:
        yield "of another connection"
    sender = re.search(r"(from|in) the (server|client)", says)
    if sender and packet.source not in (servers if sender[2] == "server" else clients):
        yield "the other side's"
    yield from _wrong_flags(packet, says)
    yield from _wrong_numbers(packet, says)
    if says.startswith("close_notify") and CLOSE_NOTIFY not in packet.alerts:
        yield "no close_notify"
    if says.startswith("GOAWAY") and GOAWAY not in packet.frames:
        yield "no GOAWAY"
    if says.startswith("RST_STREAM") and RST_STREAM not in packet.frames:
        yield "no RST_STREAM"


def _wrong_flags(packet: Packet, says: str) -> Iterator[str]:
    if says.startswith("FIN") and not packet.flags & FIN:
        yield "no FIN"
    if says.startswith("RST without ACK") and packet.flags & (RST | ACK) != RST:
        yield "not a RST without ACK"
    if says.startswith("RST, ACK") and packet.flags & (RST | ACK) != RST | ACK:
        yield "not a RST with ACK"


def _wrong_numbers(packet: Packet, says: str) -> Iterator[str]:
    seq, ack = re.search(r"\bSeq=(\d+)", says), re.search(r"\bAck=(\d+)", says)
    if seq and int(seq[1]) != packet.seq:
        yield "another Seq"
    if ack and int(ack[1]) != packet.ack:
        yield "another Ack"
    run = re.search(r"request[^,]*, bytes (\d+) to (\d+)", says)
    if run and not (
        packet.size and int(run[1]) <= packet.seq + packet.size - 1 and packet.seq <= int(run[2])
    ):
        yield "other bytes"
    ttl = re.search(r"\bits TTL is (\d+)", says)
    if ttl and int(ttl[1]) != packet.ttl:
        yield "another TTL"


def _packets(tshark: str, capture: Path) -> dict[int, Packet]:
    command = [tshark, "-n", "-r", str(capture), "-T", "fields", "-E", "separator=/t", "-E", "aggregator=,"]
    command += [part for field in FIELDS for part in ("-e", field)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {int(row[0]): _packet(row) for row in rows if row[5]}


def _packet(row: list[str]) -> Packet:
    _, source, source_port, target, target_port, flags, seq, ack, size, ttl, alerts, frames = row
    return Packet(
        f"{source}:{source_port}",
        f"{target}:{target_port}",
        int(flags, 16),
        int(seq),
        int(ack),
        int(size),
        int(ttl.split(",")[0]),
        alerts.split(","),
        frames.split(","),
    )


def _end(endpoint: dict[str, Any] | str) -> str:
    return endpoint if isinstance(endpoint, str) else f"{endpoint['address']}:{endpoint['port']}"
