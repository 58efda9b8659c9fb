"""Frames, headers, transport parameters: RFC 9000 sections 16 to 19."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.quic import headers, parameters
from plainwire.quic.frames import (
    Ack,
    Close,
    Crypto,
    DatagramFrame,
    Frame,
    LimitFrame,
    NewConnectionId,
    Other,
    ResetStream,
    StopSending,
    Stream,
    parse,
)
from plainwire.quic.integers import varint
from plainwire.quic.versions import Form, name


@pytest.mark.parametrize(
    ("encoded", "value"),
    [  # RFC 9000 appendix A.1
        ("c2197c5eff14e88c", 151288809941952652),
        ("9d7f3e7d", 494878333),
        ("7bbd", 15293),
        ("25", 37),
        ("4025", 37),
    ],
)
def test_integers_of_the_rfc(encoded: str, value: int) -> None:
    data = bytes.fromhex(encoded)
    assert varint(data, 0) == (value, len(data))


FRAMES: list[tuple[bytes, list[Frame]]] = [  # RFC 9000 section 19, by hand
    (bytes.fromhex("02 05 00 00 02"), [Ack(5, 3)]),
    (bytes.fromhex("02 4123 00 01 02 00 03"), [Ack(0x123, 0x121, ((0x11C, 0x11F),))]),
    (bytes.fromhex("03 05 00 00 02 01 02 03"), [Ack(5, 3)]),  # with ECN counts
    (bytes.fromhex("04 08 410c 07"), [ResetStream(8, 0x10C, 7)]),
    (bytes.fromhex("05 08 410c"), [StopSending(8, 0x10C)]),
    (bytes.fromhex("06 0a 02 6869"), [Crypto(10, b"hi")]),
    (bytes.fromhex("07 02 aabb"), [Other("new_token", 2)]),
    (bytes.fromhex("08 04 6869"), [Stream(4, 0, b"hi", fin=False)]),
    (bytes.fromhex("0b 04 02 6869"), [Stream(4, 0, b"hi", fin=True)]),
    (bytes.fromhex("0f 04 40ff 02 6869"), [Stream(4, 255, b"hi", fin=True)]),
    (bytes.fromhex("10 09"), [LimitFrame("max_data", None, 9)]),
    (bytes.fromhex("11 04 09"), [LimitFrame("max_stream_data", 4, 9)]),
    (bytes.fromhex("12 09"), [LimitFrame("max_streams_bidi", None, 9)]),
    (bytes.fromhex("13 0a"), [LimitFrame("max_streams_uni", None, 10)]),
    (bytes.fromhex("14 09"), [LimitFrame("data_blocked", None, 9)]),
    (bytes.fromhex("15 04 09"), [LimitFrame("stream_data_blocked", 4, 9)]),
    (bytes.fromhex("18 01 00 02 aabb") + bytes(16), [NewConnectionId(1, b"\xaa\xbb", bytes(16))]),
    (bytes.fromhex("19 01"), [Other("retire_connection_id", 1)]),
    (b"\x1a" + bytes(8), [Other("path_challenge")]),
    (b"\x1b" + bytes(8), [Other("path_response")]),
    (bytes.fromhex("1c 0a 08 02 6e6f"), [Close(10, 8, b"no")]),
    (bytes.fromhex("1d 4100 00"), [Close(0x100, None, b"")]),
    (bytes.fromhex("1e"), [Other("handshake_done")]),
    (bytes.fromhex("30 010203"), [DatagramFrame(3)]),  # RFC 9221
    (bytes.fromhex("31 02 0102"), [DatagramFrame(2)]),
    (bytes.fromhex("01"), [Other("ping")]),
]


@pytest.mark.parametrize(("encoded", "expected"), FRAMES)
def test_each_frame(encoded: bytes, expected: list[Frame]) -> None:
    assert parse(encoded) == (expected, "")


def test_frames_between_padding() -> None:
    joined = b"\0\0".join(encoded for encoded, frames in FRAMES if not ends_with_the_packet(frames))
    found, defect = parse(b"\0" + joined + bytes(1000))
    assert not defect
    assert len(found) == sum(len(frames) for _, frames in FRAMES if not ends_with_the_packet(frames))


def ends_with_the_packet(frames: list[Frame]) -> bool:
    return frames in ([Stream(4, 0, b"hi", fin=False)], [DatagramFrame(3)])


@pytest.mark.parametrize(("encoded", "expected"), FRAMES)
def test_a_frame_that_is_cut_is_named(encoded: bytes, expected: list[Frame]) -> None:
    if ends_with_the_packet(expected):
        return  # its length is the packet's
    for size in range(1, len(encoded)):
        assert parse(encoded[:size]) == ([], f"a frame of type 0x{encoded[0]:X} is cut")


def test_an_unknown_frame_ends_the_reading() -> None:
    found, defect = parse(bytes.fromhex("01 4fff 01"))
    assert found == [Other("ping")]
    assert defect == "frame type 0xFFF is not known"


@given(st.binary(max_size=300))
def test_any_bytes_as_frames(data: bytes) -> None:
    found, defect = parse(data)
    assert len(found) <= len(data)
    assert isinstance(defect, str)


@given(st.lists(st.sampled_from([encoded for encoded, _ in FRAMES]), max_size=8), st.data())
def test_frames_cut_and_damaged(encoded: list[bytes], data: st.DataObject) -> None:
    joined = bytearray(b"".join(encoded))
    if joined:
        joined[data.draw(st.integers(0, len(joined) - 1))] = data.draw(st.integers(0, 255))
    parse(bytes(joined[: data.draw(st.integers(0, len(joined)))]))


@given(st.binary(max_size=100))
def test_any_bytes_as_a_long_header(data: bytes) -> None:
    header = headers.read_long(b"\xc0" + data)
    if header is not None and header.form is Form.VERSION_NEGOTIATION:
        assert len(headers.offered_versions(b"\xc0" + data, header)) <= 25


@given(st.binary(max_size=60), st.sampled_from([1, 0x6B3343CF, 0xFF000018, 0xFF00001D]))
def test_any_bytes_behind_a_known_version(data: bytes, version: int) -> None:
    for first in range(0x80, 0x100, 16):
        packet = bytes((first,)) + version.to_bytes(4, "big") + data
        header = headers.read_long(packet)
        if header is not None:
            assert len(header.target) <= 20
            assert header.end > 0


@given(st.binary(max_size=200))
def test_any_bytes_as_transport_parameters(data: bytes) -> None:
    found = parameters.parse(data)
    assert len(found.facts) <= 64


def test_transport_parameters_by_name() -> None:
    """Encoded by hand after RFC 9000 section 18.2, RFC 9368 section 3."""
    token = bytes(range(16))
    preferred = bytes(24) + b"\x02\xaa\xbb" + bytes(16)
    data = (
        bytes.fromhex("01 02 7530 0c 00 0f 02 cafe")
        + b"\x02\x10"
        + token
        + b"\x0d"
        + bytes((len(preferred),))
        + preferred
        + bytes.fromhex("11 08 00000001 6b3343cf 4abc 01 00 80002ab2 00")
    )
    found = parameters.parse(data)
    assert found.facts["max_idle_timeout"] == 0x3530
    assert found.facts["disable_active_migration"] == 1
    assert found.facts["initial_source_connection_id"] == "cafe"
    assert found.facts["grease_quic_bit"] == 1
    assert found.facts["chosen_version"] == "QUIC v1"
    assert found.facts["available_versions"] == "QUIC v2"
    assert found.reset_token == token
    assert found.preferred_id == b"\xaa\xbb"
    assert token.hex() not in repr(found)


def test_versions_have_names() -> None:
    assert name(1) == "QUIC v1"
    assert name(0x6B3343CF) == "QUIC v2"
    assert name(0xFF00001D) == "QUIC draft-29"
    assert name(0x51303436) == "gQUIC Q046"
    assert name(0x1A2A3A4A) == "0x1A2A3A4A"
