"""A second look at bundles: what was put into one by mistake is found, in every encoding."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import hpack
import pytest

from plainwire.share.bundle import Bundle, Manifest
from plainwire.share.checking import check
from plainwire.share.encodings import forms
from tests.builders.captures import interface, pcap, section
from tests.builders.conversation import Conversation
from tests.report.redact import planted, wires

if TYPE_CHECKING:
    from pathlib import Path

SECRET = 'q7/Zx91+LmPw"0aa3<'
KNOWN = {SECRET: "exchange 4, cookie", "short": "exchange 5, cookie"}


def holding(**files: bytes) -> Bundle:
    return Bundle(files, Manifest(1, "plainwire 0", {}, []))


ENCODED = {
    "as it was": SECRET.encode(),
    "percent-encoded": quote(SECRET, safe="").encode(),
    "percent-encoded twice": quote(quote(SECRET, safe=""), safe="").encode(),
    "JSON": json.dumps({"a": SECRET}).encode(),
    "hexadecimal": SECRET.encode().hex().encode(),
    "UTF-16": SECRET.encode("utf-16-le"),
    **{
        f"base64 behind {before!r}": base64.b64encode(before + SECRET.encode() + b"tail")
        for before in (b"", b"a", b"ab", b"abc")
    },
    "base64 of URLs": base64.urlsafe_b64encode(SECRET.encode()),
    **{
        f"Huffman behind {before!r}": hpack.Encoder().encode([("x", before + SECRET + "tail")], huffman=True)
        for before in ("", "a", "-", ":", "&", "aa", "a-", "ab:")
    },
}


@pytest.mark.parametrize("encoded", ENCODED.values(), ids=ENCODED)
def test_a_secret_is_found_in_every_encoding(encoded: bytes) -> None:
    checked = check(holding(a=b"zzz" + encoded + b"zzz"), KNOWN)
    assert {(leak.origin, leak.place) for leak in checked.leaks} == {("exchange 4, cookie", "a")}
    assert (checked.looked_for, checked.too_short) == (1, 1)
    assert SECRET not in repr(checked)


def test_what_is_not_there_is_not_found() -> None:
    assert not check(holding(a=b"q7/Zx91 and everything else" * 100), KNOWN).leaks


def test_captures_are_opened(tmp_path: Path) -> None:
    """In HTTP/1.1 a body is cut by its chunks, in HTTP/2 a field is in the Huffman code."""
    messages = planted.messages()
    secrets = {secret: "there" for message in messages for secret in message.secrets}
    for write in (wires.http1, wires.http2):
        capture, _ = write(tmp_path, messages)
        found = check(holding(**{"x.pcapng": capture.read_bytes()}), secrets)
        assert len({leak.place for leak in found.leaks}) > 200
    empty = section() + interface()
    assert not check(holding(**{"x.pcapng": empty}), secrets).leaks


def test_a_compressed_body_is_opened(tmp_path: Path) -> None:
    body = gzip.compress(f'{{"a": "{"x" * 50}q7Zx91LmPw0aa3"}}'.encode())
    wire = Conversation().open()
    wire.send(wires.CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    wire.send(wires.SERVER, head + body)
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(wire.packets))
    leaks = check(holding(**{"x.pcapng": path.read_bytes()}), {"q7Zx91LmPw0aa3": "there"}).leaks
    assert {leak.place for leak in leaks} == {"x.pcapng, exchange 1"}


def test_forms_are_long_enough_to_mean_something() -> None:
    assert {name for form, name in forms(b"abc12345678") if len(form) >= 8} >= {"in base64", "in UTF-16"}
