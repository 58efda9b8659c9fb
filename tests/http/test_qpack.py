"""QPACK against the RFC's examples, against ls-qpack, and against anything at all.

https://www.rfc-editor.org/rfc/rfc9204#appendix-B
"""

from __future__ import annotations

import pylsqpack
from hypothesis import given
from hypothesis import strategies as st

from plainwire.http.hpack import UNKNOWN
from plainwire.http.qpack import STATIC, QpackDecoder

Fields = list[tuple[str, str]]


def test_the_examples_of_the_rfc_decode() -> None:
    decoder = QpackDecoder()
    decoder.capacity = 220
    assert decoder.decode(bytes.fromhex("0000510b2f696e6465782e68746d6c")).fields == [
        (":path", "/index.html")
    ]
    # B.2: the dynamic table, with post-base references
    section = bytes.fromhex("03811011")
    assert decoder.waits(section)
    decoder.feed(bytes.fromhex("3fbd01c00f7777772e6578616d706c652e636f6dc10c2f73616d706c652f70617468"))
    assert not decoder.waits(section)
    assert decoder.decode(section).fields == [(":authority", "www.example.com"), (":path", "/sample/path")]
    # B.3: a speculative insert; B.4: a duplicate, and a section that refers to it
    decoder.feed(bytes.fromhex("4a637573746f6d2d6b65790c637573746f6d2d76616c7565"))
    section = bytes.fromhex("050080c181")
    assert decoder.waits(section)
    decoder.feed(b"\x02")
    assert decoder.decode(section).fields == [
        (":authority", "www.example.com"),
        (":path", "/"),
        ("custom-key", "custom-value"),
    ]


def test_the_static_table_is_that_of_ls_qpack() -> None:
    reference = pylsqpack.Decoder(0, 0)
    for index, field in enumerate(STATIC):
        line = bytes([0xC0 | index]) if index < 63 else bytes([0xFF, index - 63])
        _, fields = reference.feed_header(4 * index, b"\0\0" + line)
        assert [(n.decode(), v.decode()) for n, v in fields] == [field]


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
SECTIONS = st.lists(st.lists(st.tuples(TEXT.filter(bool), TEXT), min_size=1, max_size=5), max_size=20)


@given(
    sections=SECTIONS,
    capacity=st.sampled_from([0, 100, 220, 4096]),
    acknowledged=st.booleans(),
    piece=st.integers(1, 5),
)
def test_what_ls_qpack_encodes_decodes_to_the_same(
    *, sections: list[Fields], capacity: int, acknowledged: bool, piece: int
) -> None:
    encoder, reference, decoder = pylsqpack.Encoder(), pylsqpack.Decoder(capacity, 16), QpackDecoder()
    encoder.apply_settings(capacity, 16)
    decoder.capacity = capacity
    for number, fields in enumerate(sections):
        pairs = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in fields]
        instructions, section = encoder.encode(4 * number, pairs)
        for at in range(0, len(instructions), piece):
            decoder.feed(instructions[at : at + piece])
        if acknowledged:
            reference.feed_encoder(instructions)
            encoder.feed_decoder(reference.feed_header(4 * number, section)[0])
        assert not decoder.waits(section)
        assert decoder.decode(section) == (fields, "", 0)


@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=10), st.sampled_from([None, 0, 4096])
)
def test_any_bytes_are_answered_with_a_value(pieces: list[tuple[bool, bytes]], capacity: int | None) -> None:
    decoder = QpackDecoder()
    decoder.capacity = capacity
    for instructions, data in pieces:
        if instructions:
            decoder.feed(data)
        else:
            decoder.waits(data)
            fields, _, unknown = decoder.decode(data)
            assert unknown <= len(fields) + 1


def test_a_hole_in_the_encoders_stream_leaves_its_entries_unknown_and_the_rest_readable() -> None:
    encoder, decoder = pylsqpack.Encoder(), QpackDecoder()
    encoder.apply_settings(4096, 16)
    decoder.capacity = 4096
    decoder.forget("bytes are missing from the capture")
    for number in range(3):
        instructions, section = encoder.encode(4 * number, [(b":status", b"200"), (b"x-id", b"a value")])
        decoder.feed(instructions)
    assert not decoder.waits(section)
    block = decoder.decode(section)
    assert block.fields[0] == (":status", "200")
    assert (UNKNOWN, UNKNOWN) in block.fields
    assert block.unknown == 1


def test_a_section_waits_for_settings_only_if_it_needs_the_table() -> None:
    decoder = QpackDecoder()
    assert not decoder.waits(bytes.fromhex("0000c1"))
    assert decoder.waits(bytes.fromhex("0381 1011"))
