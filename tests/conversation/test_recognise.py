"""What a connection carries, told by bytes from its middle."""

from __future__ import annotations

import pytest

from plainwire.conversation.recognise import Spoken, holds_frames, holds_sealed_records, recognise

PING = bytes((0, 0, 8, 6, 0, 0, 0, 0, 0)) + bytes(8)  # RFC 9113 section 6.7
DATA = bytes((0, 0, 3, 0, 1, 0, 0, 0, 3)) + b"abc"
WINDOW = bytes((0, 0, 4, 8, 0, 0, 0, 0, 0)) + bytes((0, 0, 0, 1))  # section 6.9: never 0
JUNK = bytes(40)
GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.mark.parametrize(
    ("client", "server", "kind"),
    [
        (WINDOW + PING, DATA + PING, Spoken.HTTP2),
        (WINDOW, b"", Spoken.HTTP2),
        (b"", DATA + DATA, Spoken.HTTP2),
        (GET, b"", Spoken.HTTP1),
        (JUNK, DATA, Spoken.HTTP1),
        (PING[:9] + b"12345678" + GET, b"", Spoken.HTTP1),
    ],
)
def test_a_capture_from_mid_connection(client: bytes, server: bytes, kind: Spoken) -> None:
    assert recognise(client, server, alpn=None, late=True, final=True, server_first=False) is kind


def test_frames_without_a_preface_are_not_http2_where_the_beginning_was_captured() -> None:

    assert (
        recognise(WINDOW + PING, DATA, alpn=None, late=False, final=True, server_first=False)
        is not Spoken.HTTP2
    )


def test_frames_are_found_from_the_middle_of_one_and_zeros_are_none() -> None:
    assert holds_frames(DATA[4:] + DATA + PING + WINDOW)
    assert not holds_frames(bytes(5) + b"\0\0\x44\6" + bytes(5) + b"\0\0\1\0" + bytes(8) + b"\5" + bytes(9))
    assert not holds_frames(JUNK)


GOAWAY = bytes((0, 0, 8, 7, 0, 0, 0, 0, 0)) + bytes(7)
CONTINUED = bytes((0, 0, 1, 9, 4, 0, 0, 0, 3)) + b"\x88"
BEGUN = bytes((0, 0, 1, 1, 0, 0, 0, 0, 3)) + b"\x88"


@pytest.mark.parametrize(
    ("frames", "are_frames"),
    [
        (BEGUN + CONTINUED + DATA, True),
        (DATA + CONTINUED + PING, False),
        (BEGUN + DATA + PING, False),
        (GOAWAY + b"\x0b" + PING + PING, True),
        (bytes((*GOAWAY[:13], 0, 1, 0, 0)) + PING + PING, False),
        (PING + PING + WINDOW[:9] + bytes(4), False),
        (PING + PING + WINDOW + JUNK, False),
    ],
)
def test_binary_data_that_look_like_frames_are_told_from_them(frames: bytes, *, are_frames: bool) -> None:
    """In protocols of file shares and databases headers are found by chance, not what must stand between."""
    assert holds_frames(b"\xff\xfe" + frames) is are_frames


SEALED = b"\x17\x03\x03\x00\x20" + bytes(32)


@pytest.mark.parametrize(
    ("data", "are"),
    [
        (SEALED, True),
        (SEALED[20:] + SEALED, True),
        (SEALED[20:] + SEALED + SEALED[:3], True),
        (SEALED[20:] + SEALED[:20], False),
        (SEALED[20:], False),
        (SEALED + GET, False),
        (GET, False),
        (b"", False),
    ],
)
def test_records_of_tls_from_the_middle_of_one(data: bytes, are: bool) -> None:  # noqa: FBT001 - of a table
    assert holds_sealed_records(data) is are
