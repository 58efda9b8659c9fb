"""Content codings: undone as they come, wherever they are cut; corrupt ones named; never without bounds."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from plainwire.http.budget import CREDIT, Budget, CaptureBudget
from plainwire.http.content import ContentDecoder, codings
from tests.http.talk import GET, SERVER, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = bytes(range(256)) * 40 + b"a" * 300_000


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def _two_members(data: bytes) -> bytes:
    return gzip.compress(data[:7]) + gzip.compress(data[7:])


def _two_frames(data: bytes) -> bytes:
    return zstandard.compress(data[:7]) + zstandard.compress(data[7:])


def _fed(decoder: ContentDecoder, part: bytes) -> bytes:
    return b"".join(decoder.feed(part))


ENCODERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("gzip", _two_members),
    ("deflate", zlib.compress),
    ("deflate", _raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstandard.compress),
    ("zstd", _two_frames),
]


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
@pytest.mark.parametrize("step", [1, 1000, 1 << 20])
def test_every_coding_is_undone_however_it_is_cut(
    coding: str, encode: Callable[[bytes], bytes], step: int
) -> None:
    coded = encode(TEXT)
    decoder = ContentDecoder((coding,), Budget())
    assert b"".join(_fed(decoder, coded[at : at + step]) for at in range(0, len(coded), step)) == TEXT
    content = decoder.finish(complete=True)
    assert (content.complete, content.decoded_size, content.defect) == (True, len(TEXT), "")


def test_several_codings_are_undone_last_one_first() -> None:
    decoder = ContentDecoder(codings(["gzip, br"]), Budget())
    assert _fed(decoder, brotli.compress(gzip.compress(TEXT))) == TEXT


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
def test_content_that_ends_too_early_is_named(coding: str, encode: Callable[[bytes], bytes]) -> None:
    decoder = ContentDecoder((coding,), Budget())
    _fed(decoder, encode(TEXT)[:-3])
    content = decoder.finish(complete=True)
    assert not content.complete
    assert content.defect == f"the {coding} content ends before its end"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_what_is_not_of_the_coding_is_named_and_shown_as_it_is(coding: str) -> None:
    decoder = ContentDecoder((coding,), Budget())
    assert _fed(decoder, b"<html>not coded at all</html>") == b"<html>not coded at all</html>"
    assert decoder.finish(complete=True).defect.startswith(f"corrupt {coding}")


def test_an_unknown_coding_is_named_and_its_bytes_are_shown_as_they_are() -> None:
    decoder = ContentDecoder(("compress",), Budget())
    assert _fed(decoder, b"\x1f\x9d") == b"\x1f\x9d"
    assert decoder.finish(complete=True).defect == "content coding compress is not decoded"


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
def test_a_bomb_is_decoded_up_to_the_limit_only(coding: str, encode: Callable[[bytes], bytes]) -> None:
    decoder = ContentDecoder((coding,), Budget(most=1 << 20))
    coded = encode(b"\0" * (64 << 20))
    assert len(_fed(decoder, coded)) <= (1 << 20) + CREDIT * len(coded)
    assert _fed(decoder, coded) == b""
    assert decoder.finish(complete=True).defect.startswith("not decoded beyond")


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
def test_a_bomb_is_handed_out_in_small_pieces(coding: str, encode: Callable[[bytes], bytes]) -> None:
    decoder = ContentDecoder((coding,), Budget())
    coded = encode(b"\0" * (64 << 20))
    assert max(map(len, decoder.feed(coded))) <= 16 << 20
    assert decoder.finish(complete=True).decoded_size == 64 << 20


def test_bombs_of_many_connections_are_decoded_up_to_one_limit() -> None:
    capture = CaptureBudget(decoded=8 << 20)
    coded = gzip.compress(b"\0" * (4 << 20))
    decoders = [ContentDecoder(("gzip",), Budget(capture)) for _ in range(10)]
    decoded = sum(len(_fed(decoder, coded)) for decoder in decoders)
    assert decoded <= (8 << 20) + 10 * CREDIT * len(coded)
    assert decoders[0].finish(complete=True).complete
    assert decoders[9].finish(complete=True).defect.startswith("not decoded beyond")


def test_honest_contents_are_decoded_after_any_number_of_bombs() -> None:
    capture = CaptureBudget(decoded=0)
    bomb = ContentDecoder(("gzip",), Budget(capture))
    _fed(bomb, gzip.compress(b"\0" * (4 << 20)))
    text = b"".join(b"line %d of a text, as texts are\n" % number for number in range(50_000))
    honest = ContentDecoder(("gzip",), Budget(capture))
    assert _fed(honest, gzip.compress(text)) == text
    assert honest.finish(complete=True).complete


def test_decoders_of_bodies_that_do_not_end_share_their_memory_and_give_it_back() -> None:
    capture = CaptureBudget(room=1 << 20)
    coded = zstandard.compress(TEXT)
    open_ones = [ContentDecoder(("zstd",), Budget(capture)) for _ in range(10)]
    for decoder in open_ones:
        _fed(decoder, coded[:-3])
    assert open_ones[9].finish(complete=False).defect.startswith("not decoded beyond 0 bytes")
    for decoder in open_ones:
        decoder.finish(complete=False)
    assert capture.room == 1 << 20


def test_a_window_that_no_http_client_has_to_accept_is_not_opened() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    decoder = ContentDecoder(("zstd",), Budget())
    assert _fed(decoder, packer.compress(TEXT) + packer.flush()) == b""
    assert "RFC 9659" in decoder.finish(complete=True).defect


@given(st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.lists(st.binary(max_size=200), max_size=8))
def test_junk_never_raises(coding: str, parts: list[bytes]) -> None:
    decoder = ContentDecoder((coding,), Budget())
    for part in parts:
        _fed(decoder, part)
    content = decoder.finish(complete=True)
    assert not (content.complete and content.defect)


def test_a_coded_body_is_decoded_and_measured_on_the_wire() -> None:
    coded = gzip.compress(b"hello")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(coded)}\r\n\r\n".encode()
    (exchange,) = Talk().client(GET).server(head + coded).close(SERVER, "fin").read()
    assert exchange.response
    assert exchange.response.content
    assert (exchange.response.body, exchange.response.body_size) == (b"hello", len(coded))
    assert exchange.response.content.complete


def test_a_coded_body_without_a_length_shows_that_it_was_cut() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    (exchange,) = Talk().client(GET).server(head + gzip.compress(TEXT)[:-9]).close(SERVER, "fin").read()
    assert exchange.response
    assert exchange.response.content
    assert exchange.response.content.defect == "the gzip content ends before its end"


def test_a_stream_of_events_that_goes_on_is_counted_so_far() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    (exchange,) = Talk().client(GET).server(head + b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n").read()
    assert exchange.outcome == "unseen"
    assert exchange.response
    assert exchange.response.events == 2
