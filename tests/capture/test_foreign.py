"""Files that hold no capture we read are named, and what to do about them is said, in one line."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.capture import reader
from plainwire.capture.foreign import what_is
from plainwire.model import UserError
from tests.builders.captures import pcap
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

FRAME = bytes.fromhex("ffffffffffff 0002b3010203 0800 4500") + bytes(range(50))


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        ("snoop", "Solaris snoop"),
        ("netmon1", "Microsoft Network Monitor 1"),
        ("netmon2", "Microsoft Network Monitor 2"),
        ("ngwsniffer_1_1", "NetXRay"),
        ("ngwsniffer_2_0", "NetXRay"),
        ("ngsniffer", "DOS Sniffer"),
        ("5views", "5Views"),
        ("lanalyzer", "LANalyzer"),
        ("visual", "Visual Networks"),
        ("observer", "Observer"),
    ],
)
def test_captures_of_other_programs_are_named(tmp_path: Path, variant: str, name: str) -> None:
    plain, other = tmp_path / "plain", tmp_path / f"other.{variant}"
    plain.write_bytes(pcap([FRAME], 1))
    subprocess.run([tool("editcap"), "-F", variant, plain, other], check=True, capture_output=True)
    with pytest.raises(UserError) as caught:
        list(reader.read([other]))
    assert name in str(caught.value)
    assert "editcap FILE NEW" in str(caught.value)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"PK\x03\x04\x14\0", "unpack it first"),
        (bytes(257) + b"ustar", "tar archive"),
        (b'{\n  "log": {"version"', "HAR"),
        (b"<!DOCTYPE html>", "web page"),
        (b"# made by a browser\nCLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48, "--keys"),
        (b"RSA Session-ID:00 Master-Key:11", "--keys"),
        (b"0000  00 11 22 33 44 55 66 77\n", "text2pcap"),
        (b"\t0x0000:  4500 003c 1c46 4000\n", "text2pcap"),
        (b"12:34:56.789012 IP 192.0.2.1.80 > ", "tcpdump -w"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"iptrace 2.0", "AIX iptrace"),
        (b"btsnoop\0", "no TCP"),
        (b"\x0a\x0d\x0a", "as text"),
        (b"\x0d\x0a\x0d\x0d\x0a", "as text"),
        (b"\x02\0NetScaler Performance Data", "NetScaler"),
    ],
)
def test_what_users_bring_by_mistake_is_named(head: bytes, name: str) -> None:
    assert name in what_is(head, "file")


def test_where_the_content_says_nothing_the_name_may() -> None:
    assert "etl2pcapng" in what_is(bytes(64), "C.ETL")
    assert "Endace ERF" in what_is(bytes(64), "link.erf")
    assert what_is(bytes(64), "file.pcap") == "not a capture file (pcap or pcapng)"


@given(st.binary(max_size=512))
def test_whatever_it_is_it_is_one_line_with_nothing_of_its_content(head: bytes) -> None:
    said = what_is(head, "x")
    assert said
    assert said.isprintable()
