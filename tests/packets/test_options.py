"""TCP options of SYNs: against what was put in, against any bytes, and against tshark's reading."""

from __future__ import annotations

import csv
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.capture import reader
from plainwire.model import PSH, PacketBatch, SynOptions, UserError
from plainwire.packets import options
from plainwire.packets.decode import Decoder
from tests.builders.captures import pcap
from tests.builders.packets import ACK, CLIENT, CLIENT6, ETHERNET, SERVER, SERVER6, SYN, ethernet, ipv4, ipv6
from tests.builders.packets import tcp as segment
from tests.corpus import corpus
from tests.needs import tool
from tests.packets.reading import decoded

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import SegmentBatch

LINUX = bytes.fromhex("020405b4 0402 080a 1234567800000000 01 030307")  # as net/ipv4/tcp_output.c lays it out
WINDOWS = bytes.fromhex("020405b4 01 030308 01 01 0402")
NO_SCALE = bytes.fromhex("020405b4 0402 080a 0000000712345678 01 010101")


def syn(laid: bytes, flags: int = SYN) -> bytes:
    return ethernet(ipv4(CLIENT[0], SERVER[0], segment(CLIENT[1], SERVER[1], 1, 0, flags, options=laid)))


def read(*frames: bytes, wire: list[int] | None = None) -> SegmentBatch:
    return decoded(list(frames), ETHERNET, wire)


@pytest.mark.parametrize(
    ("laid", "found"),
    [
        (LINUX, SynOptions(1460, 7, sack=True, stamp=0x12345678, echo=0)),
        (WINDOWS, SynOptions(1460, 8, sack=True)),
        (NO_SCALE, SynOptions(1460, None, sack=True, stamp=7, echo=0x12345678)),
        (b"", SynOptions()),
        (bytes.fromhex("00ffffff"), SynOptions()),  # nothing counts behind the end
        (bytes.fromhex("2204abcd 03030201"), SynOptions(window_scale=2)),  # Fast Open (RFC 7413) before it
    ],
)
def test_options_of_a_syn_are_kept(laid: bytes, found: SynOptions) -> None:
    assert read(syn(laid)).options == {1: found}


@pytest.mark.parametrize("damaged", ["03000000", "03010000", "03040700", "01010103", "020405", "02ff05b4"])
def test_a_length_that_leads_nowhere_leaves_all_unknown(damaged: str) -> None:
    laid = bytes.fromhex(damaged)
    assert options.read(laid) is None
    if len(laid) % 4 == 0:
        assert read(syn(laid)).options == {}


def test_options_cut_by_the_snap_length_are_unknown_and_not_absent() -> None:
    frame = syn(LINUX)
    cut = read(frame[:-4], wire=[len(frame)])
    assert (cut.number.tolist(), cut.options) == ([1], {})


def test_only_segments_with_syn_are_looked_at_in_either_version_of_ip() -> None:
    six = ethernet(ipv6(CLIENT6[0], SERVER6[0], segment(1, 2, 3, flags=SYN | ACK, options=LINUX)))
    found = read(syn(LINUX, ACK | PSH), six, syn(WINDOWS)).options
    assert {number: kept.window_scale for number, kept in found.items()} == {2: 7, 3: 8}


@given(st.binary(max_size=60))
def test_any_bytes_are_answered_with_a_value(data: bytes) -> None:
    found = options.read(data)
    if found is not None:
        assert found == options.read(data[:40])
        assert found.mss is None or 0 <= found.mss < 1 << 16
        assert found.window_scale is None or 0 <= found.window_scale < 1 << 8
        assert (found.stamp is None) == (found.echo is None)


@given(
    st.permutations([bytes.fromhex(text) for text in ("020405b4", "0402", "030307", "01", "01", "fe04abcd")])
)
def test_their_order_makes_no_difference(parts: list[bytes]) -> None:
    assert options.read(b"".join(parts)) == SynOptions(1460, 7, sack=True)


FIELDS = ["frame.number", "tcp.options.mss_val", "tcp.options.wscale.shift", "tcp.options.sack_perm"]
FIELDS += ["tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr"]


def of_tshark(row: list[str]) -> SynOptions:
    mss, scale, stamp, echo = (int(row[at]) if row[at] else None for at in (1, 2, 4, 5))
    return SynOptions(mss, scale, bool(row[3]), stamp, echo)


def by_tshark(path: Path) -> dict[int, SynOptions]:
    """By packet number; not of packets in which tshark sees several TCP headers."""
    command = [tool("tshark"), "-n", "-r", str(path), "-Y", "tcp.flags.syn == 1", "-T", "fields"]
    for name in FIELDS:
        command += ["-e", name]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False
    )  # of damaged files it complains
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {int(row[0]): of_tshark(row) for row in rows if not any("," in value for value in row)}


def by_us(path: Path) -> dict[int, SynOptions]:
    decoder, found = Decoder(), dict[int, SynOptions]()
    for item in reader.read([path]):
        if isinstance(item, PacketBatch):
            found.update(decoder.decode(item).segments.options)
    return found


def test_tshark_reads_the_same(tmp_path: Path) -> None:
    frames = [syn(LINUX), syn(NO_SCALE, SYN | ACK), syn(WINDOWS), syn(b""), syn(bytes.fromhex("03030e00"))]
    path = tmp_path / "syns.pcap"
    path.write_bytes(pcap(frames, ETHERNET))
    assert len(by_us(path)) == len(frames)
    assert by_us(path) == by_tshark(path)


def test_tshark_reads_the_same_of_captures_made_by_others() -> None:
    folder = corpus()
    with (folder / "manifest.tsv").open(encoding="utf-8") as lines:
        names = [row["name"] for row in csv.DictReader(lines, delimiter="\t")]
    compared = 0
    for name in names[::20]:
        try:
            ours = by_us(folder / name)
        except UserError:
            continue
        theirs = by_tshark(folder / name) if ours else {}
        both = ours.keys() & theirs.keys()
        assert {n: ours[n] for n in both} == {n: theirs[n] for n in both}, name
        compared += len(both)
    assert compared > len(names) // 20
