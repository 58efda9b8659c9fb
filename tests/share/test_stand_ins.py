"""Bodies that stand for others, decompressed by the libraries that receivers have."""

from __future__ import annotations

import zlib

import brotli
import pytest
import zstandard

from plainwire.share import stand_ins

SIZES = [
    1,
    2,
    3,
    4,
    5,
    6,
    9,
    10,
    19,
    20,
    21,
    22,
    23,
    24,
    25,
    100,
    *range(250, 275),
    1000,
    *range(65530, 65570),
    70_000,
    200_000,
]


def _inflated(coding: str, data: bytes) -> bytes:
    if coding == "br":
        return bytes(brotli.decompress(data))
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    inflater = zlib.decompressobj(31 if coding == "gzip" else 15)
    text = inflater.decompress(data)
    assert inflater.eof
    assert not inflater.unused_data
    return text


@pytest.mark.parametrize(("coding", "least"), [("gzip", 20), ("deflate", 8), ("br", 5), ("zstd", 9)])
def test_a_body_of_every_size_is_whole(coding: str, least: int) -> None:
    for size in (size for size in SIZES if size >= least):
        made = stand_ins.coded(coding, size, complete=True)
        assert made is not None
        assert len(made) == size
        assert set(_inflated(coding, made)) <= {ord("x")}


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_what_was_cut_is_cut(coding: str) -> None:
    made = stand_ins.coded(coding, 1000, complete=False)
    assert made is not None
    assert len(made) == 1000
    undo = (
        zstandard.ZstdDecompressor().decompressobj()
        if coding == "zstd"
        else zlib.decompressobj(31 if coding == "gzip" else 15)
    )
    undo.decompress(made)
    assert not undo.eof


def test_there_is_none_so_short_and_none_in_other_codings() -> None:
    assert stand_ins.coded("gzip", 5, complete=True) is None
    assert stand_ins.coded("lzma", 500, complete=True) is None


def test_messages_of_a_websocket_inflate_one_after_the_other() -> None:
    inflater = zlib.decompressobj(-15)
    for size in (1, 2, 3, 4, 5, 80, 5000):
        made = stand_ins.message(size)
        assert made is not None
        assert len(made) == size
        assert set(inflater.decompress(made + b"\0\0\xff\xff")) <= {ord("x")}
