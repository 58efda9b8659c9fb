"""Header blocks rewritten in place, read by hpack, which wrote them."""

from __future__ import annotations

import hpack
import pytest

from plainwire.share.hiding import Hider
from plainwire.share.hpack_text import HpackText
from plainwire.share.marks import Marker

SECRETS = ("hunter2hunter2", "q7Zx91LmPw0aa3")
BLOCKS = [
    [
        (":method", "GET"),
        (":path", f"/a?token={SECRETS[0]}&x=1"),
        ("cookie", f"sid={SECRETS[1]}; theme=dark"),
    ],
    [
        (":method", "GET"),
        (":path", "/plain"),
        ("cookie", f"sid={SECRETS[1]}; theme=dark"),
        ("x-api-key", SECRETS[0]),
    ],
    [(":method", "GET"), (":path", "/plain"), ("accept", "text/html"), ("x-api-key", SECRETS[0])],
]


@pytest.mark.parametrize("huffman", [True, False])
def test_blocks_keep_their_size_names_and_table(huffman: bool) -> None:  # noqa: FBT001 - a parameter
    encoder, decoder = hpack.Encoder(), hpack.Decoder()
    text = HpackText(Hider(Marker(b"k" * 32)))
    read = []
    for number, fields in enumerate(BLOCKS):
        if number == 2:
            encoder.header_table_size = 256
        block = encoder.encode(fields, huffman=huffman)
        made = text.rewrite(block)
        assert len(made) == len(block)
        read.append([(str(name), str(value)) for name, value in decoder.decode(made)])
        assert text.fields == fields
    assert [[name for name, _ in fields] for fields in read] == [
        [name for name, _ in fields] for fields in BLOCKS
    ]
    assert [[len(v) for _, v in fields] for fields in read] == [
        [len(v) for _, v in fields] for fields in BLOCKS
    ]
    assert not any(secret in str(read) for secret in SECRETS)
    assert dict(read[0])["cookie"] == dict(read[1])["cookie"]  # an index in the second block
    assert dict(read[1])["x-api-key"] in dict(read[0])[":path"]  # equal secrets have equal marks
    assert dict(read[2])["accept"] == "text/html"


def test_a_value_whose_name_is_not_known_is_hidden() -> None:
    """The capture began in mid-connection: index 70 is not in the table."""
    made = HpackText(Hider(Marker(b"k" * 32))).rewrite(bytes([0x7F, 70 - 0x3F, 7]) + b"hunter2")
    assert made[:3] == bytes([0x7F, 70 - 0x3F, 7])
    assert b"hunter2" not in made


def test_of_a_broken_block_nothing_stays() -> None:
    made = HpackText(Hider(Marker(b"k" * 32))).rewrite(
        b"\x40\x06secret\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    )
    assert b"secret" not in made
