"""Names files that are not captures we can read, so that the user knows what to do about them."""

from __future__ import annotations

import re
from pathlib import PurePath

HEAD = 512
"""Bytes that are examined: a tar archive is recognised at offset 257."""

_CONVERT = "which plainwire does not read; Wireshark's editcap may turn it into pcapng: editcap FILE NEW"
_UNPACK = "unpack it first"
_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"snoop\0\0\0", f"a Solaris snoop capture, {_CONVERT}"),
    (b"btsnoop\0", "a Bluetooth capture (btsnoop): no TCP is in it"),
    (b"RTSS", f"a Microsoft Network Monitor 1 capture, {_CONVERT}"),
    (b"GMBU", f"a Microsoft Network Monitor 2 capture, {_CONVERT}"),
    (b"XCP\0", f"a NetXRay or Windows Sniffer capture, {_CONVERT}"),
    (b"TRSNIFF data    \x1a", f"a DOS Sniffer capture, {_CONVERT}"),
    (b"iptrace 1.0", f"an AIX iptrace capture, {_CONVERT}"),
    (b"iptrace 2.0", f"an AIX iptrace capture, {_CONVERT}"),
    (b"\xaa\xaa\xaa\xaa", f"a 5Views capture, {_CONVERT}"),
    (b"\x7fver", f"an OmniPeek (EtherPeek) capture, {_CONVERT}"),
    (b"\x05VNF", f"a Visual Networks capture, {_CONVERT}"),
    (b"ObserverPktBuffe", f"a Network Instruments Observer capture, {_CONVERT}"),
    (b"\x01\x10L\0", f"a Novell LANalyzer capture, {_CONVERT}"),
    (b"TR\0d\0", f"an HP-UX nettl trace, {_CONVERT}"),
    (b"\xa1\x2b\x3c\x4d", "pcap as Navtel made it, whose layout nobody has published"),
    (b"\x4d\x3c\x2b\xa1", "pcap as Navtel made it, whose layout nobody has published"),
    (b"\n\r\n", "pcapng damaged by a transfer as text: transfer it as binary"),
    (b"\r\n\r\r\n", "pcapng damaged by a transfer as text: transfer it as binary"),
    (b"PK\x03\x04", f"a zip archive: {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive: {_UNPACK}"),
    (b"Rar!", f"a RAR archive: {_UNPACK}"),
    (b"\x1f\x9d", "compressed with compress: gzip -dc FILE | plainwire analyze -"),
    (b"\x02\x21\x4c\x18", "compressed with an LZ4 of before 2013: lz4 -dc FILE | plainwire analyze -"),
    (b"LZIP", "compressed with lzip: lzip -dc FILE | plainwire analyze -"),
    (b"version https://git-lfs", "a Git LFS pointer and not the file itself: git lfs pull"),
    (b"\x7fELF", "a program"),
    (b"%PDF-", "a PDF document"),
)
_TEXTS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (
        re.compile(rb'\s*\{\s*"log"\s*:'),
        "a HAR file: what a browser tells about its requests, without a packet",
    ),
    (re.compile(rb"\s*<(!doctype|html)", re.IGNORECASE), "a web page and no capture"),
    (
        re.compile(rb"(#[^\n]*\n|\s)*[A-Z_0-9]{3,40} ([0-9a-fA-F]{64} |Session-ID:)"),
        "a key log: name it with --keys, beside a capture",
    ),
    (
        re.compile(rb"\s*(0x)?0{3,8}:?\s+([0-9a-fA-F]{2,4}\s+){4}"),
        "a hex dump in text: Wireshark's text2pcap makes a capture of it",
    ),
    (
        re.compile(rb"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d+ "),
        "what tcpdump prints: its packets are needed (tcpdump -w FILE)",
    ),
)
_BY_NAME = {
    ".erf": "by its name an Endace ERF capture (nothing in such a file says so), " + _CONVERT,
    ".etl": "by its name a Windows event trace: Microsoft's etl2pcapng makes a capture of it",
    ".cap": "not a capture in pcap or pcapng; Wireshark's editcap may turn it into pcapng: editcap FILE NEW",
}


def what_is(head: bytes, path: str) -> str:
    """Say what a file is that is not a capture; ``head`` has its first ``HEAD`` bytes."""
    if not head:
        return "empty file"
    for magic, name in _FORMATS:
        if head.startswith(magic):
            return name
    if b"NetScaler" in head[:64]:
        return f"a Citrix NetScaler trace, {_CONVERT}"
    if head[257:262] == b"ustar":
        return f"a tar archive: {_UNPACK}"
    for pattern, name in _TEXTS:
        if pattern.match(head):
            return name
    return _BY_NAME.get(PurePath(path).suffix.lower(), "not a capture file (pcap or pcapng)")
