"""HPACK against the RFC's examples, against the ``hpack`` library, and against anything at all.

https://www.rfc-editor.org/rfc/rfc7541#appendix-C
"""

from __future__ import annotations

import hpack
import pytest
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hypothesis import given
from hypothesis import strategies as st

from plainwire.http import huffman
from plainwire.http.hpack import MOST_FIELDS, MOST_TABLE, UNKNOWN, HpackDecoder

Fields = list[tuple[str, str]]

GET: Fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")]
GET_2: Fields = [*GET, ("cache-control", "no-cache")]
GET_3: Fields = [
    (":method", "GET"),
    (":scheme", "https"),
    (":path", "/index.html"),
    (":authority", "www.example.com"),
    ("custom-key", "custom-value"),
]
DATE_21, DATE_22 = "Mon, 21 Oct 2013 20:13:21 GMT", "Mon, 21 Oct 2013 20:13:22 GMT"
MOVED: Fields = [
    (":status", "302"),
    ("cache-control", "private"),
    ("date", DATE_21),
    ("location", "https://www.example.com"),
]
MOVED_2: Fields = [(":status", "307"), *MOVED[1:]]
COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
OK: Fields = [
    (":status", "200"),
    ("cache-control", "private"),
    ("date", DATE_22),
    ("location", "https://www.example.com"),
    ("content-encoding", "gzip"),
    ("set-cookie", COOKIE),
]

APPENDIX_C = {
    "C.3 requests without Huffman coding": (
        4096,
        [
            ("828684410f7777772e6578616d706c652e636f6d", GET),
            ("828684be58086e6f2d6361636865", GET_2),
            ("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", GET_3),
        ],
    ),
    "C.4 requests with Huffman coding": (
        4096,
        [
            ("828684418cf1e3c2e5f23a6ba0ab90f4ff", GET),
            ("828684be5886a8eb10649cbf", GET_2),
            ("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", GET_3),
        ],
    ),
    "C.5 responses without Huffman coding": (
        256,
        [
            (
                (
                    "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
                    "6e1768747470733a2f2f7777772e6578616d706c652e636f6d"
                ),
                MOVED,
            ),
            ("4803333037c1c0bf", MOVED_2),
            (
                (
                    "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d"
                    "4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b20766572"
                    "73696f6e3d31"
                ),
                OK,
            ),
        ],
    ),
    "C.6 responses with Huffman coding": (
        256,
        [
            (
                (
                    "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b"
                    "97c8e9ae82ae43d3"
                ),
                MOVED,
            ),
            ("4883640effc1c0bf", MOVED_2),
            (
                (
                    "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdf"
                    "cd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"
                ),
                OK,
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", APPENDIX_C)
def test_the_examples_of_the_rfc_decode(name: str) -> None:
    size, blocks = APPENDIX_C[name]
    decoder = HpackDecoder()
    # The examples suppose a table of that size without sending the change.
    decoder.decode(bytes([0x20 | 0x1F]) + _rest(size - 0x1F))
    for encoded, fields in blocks:
        assert decoder.decode(bytes.fromhex(encoded)) == (fields, "", 0)


def _rest(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=30)
BLOCKS = st.lists(st.lists(st.tuples(TEXT, TEXT), max_size=6), max_size=12)


@given(blocks=BLOCKS, coded=st.booleans(), size=st.integers(0, 300))
def test_what_the_hpack_library_encodes_decodes_to_the_same(
    *, blocks: list[Fields], coded: bool, size: int
) -> None:
    encoder, decoder = hpack.Encoder(), HpackDecoder()
    for number, fields in enumerate(blocks):
        if number == 3:
            encoder.header_table_size = size
        pairs = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in fields]
        assert decoder.decode(encoder.encode(pairs, huffman=coded)) == (fields, "", 0)


@given(st.binary(max_size=60))
def test_huffman_code_of_any_string_is_undone(data: bytes) -> None:
    encoded = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode(data)
    assert huffman.decode(encoded) == data


def test_a_huffman_string_with_eos_or_too_much_padding_is_refused() -> None:
    assert huffman.decode(b"\xff\xff\xff\xff") is None
    assert huffman.decode(b"\x1f\xff") is None
    assert huffman.decode(b"\x18") is None  # padded with zeros


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_any_bytes_are_answered_with_a_value(blocks: list[bytes]) -> None:
    decoder = HpackDecoder()
    for block in blocks:
        fields, defect, unknown = decoder.decode(block)
        assert all(len(field) == 2 for field in fields)
        assert not unknown or decoder.unseen
        assert not defect or decoder.unseen


def test_a_table_whose_beginning_was_missed_leaves_only_its_old_entries_unknown() -> None:
    encoder, decoder = hpack.Encoder(), HpackDecoder()
    encoder.encode([("x-old", "before the capture")])
    decoder.forget("the capture began in mid-connection")
    first = decoder.decode(
        encoder.encode([(":method", "GET"), ("x-new", "1"), ("x-old", "before the capture")])
    )
    assert first.fields == [(":method", "GET"), ("x-new", "1"), (UNKNOWN, UNKNOWN)]
    assert first.unknown == 1
    second = decoder.decode(encoder.encode([("x-new", "1"), ("x-old", "another")]))
    assert second.fields == [("x-new", "1"), (UNKNOWN, "another")]


def test_an_index_beyond_the_table_breaks_the_block_and_what_refers_to_later_entries() -> None:
    decoder = HpackDecoder()
    broken = decoder.decode(b"\x82\xc0")
    assert broken.fields == [(":method", "GET")]
    assert "index 64" in broken.defect
    assert decoder.decode(b"\x82\xc0").unknown == 1


def test_a_table_larger_than_the_peer_allows_is_a_defect() -> None:
    decoder = HpackDecoder()
    decoder.allowed = 100
    assert "allowed" in decoder.decode(b"\x3f\x46").defect
    assert "allowed" in HpackDecoder().decode(b"\x3f" + _rest(MOST_TABLE)).defect


def test_a_few_bytes_that_stand_for_many_are_cut_off() -> None:
    decoder = HpackDecoder()
    value = b"v" * 4000
    decoder.decode(b"\x40\x01n\x7f" + _rest(len(value) - 0x7F) + value)
    bomb = decoder.decode(b"\xbe" * 100_000)
    assert sum(len(value) for _, value in bomb.fields) <= MOST_FIELDS
    assert "are kept" in bomb.defect
    assert decoder.decode(b"\xbe").defect == ""


def test_an_index_means_another_field_once_the_block_has_inserted_one() -> None:
    decoder = HpackDecoder()
    decoder.decode(b"\x40\x01a\x011")
    block = decoder.decode(b"\xbe\xbe\x40\x01b\x012\xbe\xbf\x3f\x00\xbe")
    assert block.fields[:5] == [("a", "1"), ("a", "1"), ("b", "2"), ("b", "2"), ("a", "1")]


def test_a_block_that_names_a_long_field_very_often_is_kept_up_to_a_megabyte() -> None:
    decoder = HpackDecoder()
    decoder.decode(b"\x40\x01a\x7f\xad\x1e" + b"b" * 4012)
    block = decoder.decode(b"\xbe" * 5000)
    assert 0 < len(block.fields) < 300
    assert block.defect.startswith(f"the header list has {5000 * (1 + 4012 + 32)} bytes")
