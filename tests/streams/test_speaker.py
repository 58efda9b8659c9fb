"""Who speaks, by what a segment begins with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.streams.speaker import is_client

# RFC 7541 appendices C.3.1 and C.4.1 (requests), C.5.1 and C.6.1 (responses)
REQUEST = bytes.fromhex("828684410f7777772e6578616d706c652e636f6d")
REQUEST_HUFFMAN = bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff")
RESPONSE = bytes.fromhex(
    "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
    "6e1768747470733a2f2f7777772e6578616d706c652e636f6d"
)
RESPONSE_HUFFMAN = bytes.fromhex(
    "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3"
)
OK = b"\x88"  # :status 200, indexed (appendix A)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """An HTTP/2 frame (RFC 9113 section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


WINDOW_UPDATE = frame(8, 0, 0, bytes(4))


@pytest.mark.parametrize(
    ("payload", "sent_by_client"),
    [
        (b"GET / HTTP/1.1\r\n", True),
        (b"HTTP/1.1 200 OK\r\n", False),
        (frame(1, 5, 3, REQUEST), True),
        (frame(1, 5, 3, REQUEST_HUFFMAN), True),
        (frame(1, 4, 3, RESPONSE) + frame(0, 1, 3, b"body"), False),
        (frame(1, 4, 3, RESPONSE_HUFFMAN), False),
        (frame(1, 5, 3, OK), False),
        (frame(1, 5, 3, b"\x3f\xe1\x1f" + OK), False),  # a new size of the table
        (frame(1, 5, 3, b"\x20\x3f\x82\x01" + OK), False),
        (frame(1, 0x2D, 3, b"\x02" + bytes(5) + REQUEST + bytes(2)), True),  # padded and with a priority
        (WINDOW_UPDATE + frame(1, 5, 3, REQUEST), True),
        (WINDOW_UPDATE, None),
        (frame(1, 5, 3, b"\xbe"), None),  # of the dynamic table
        (frame(1, 5, 3, b""), None),
        (frame(1, 5, 0, REQUEST), None),
        (frame(1, 0xFF, 3, REQUEST), None),
        (frame(0x41, 5, 3, REQUEST), None),
        (b"", None),
    ],
)
def test_the_first_words_tell_who_speaks(payload: bytes, *, sent_by_client: bool | None) -> None:
    assert is_client(payload) is sent_by_client


@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), min_size=1, max_size=6),
    st.binary(max_size=9),
)
def test_frames_of_the_connection_ahead_of_a_header_block_change_nothing(
    frames: list[tuple[int, bytes]], rest: bytes
) -> None:
    data = b"".join(frame(kind, 5, 1, payload) for kind, payload in frames) + rest
    assert is_client(WINDOW_UPDATE + data) is is_client(data)
