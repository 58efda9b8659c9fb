"""Frames: RFC 9000 section 19, DATAGRAM (RFC 9221), and two drafts' frames that are in use.

``parse`` takes any bytes; it gives the frames up to the first unreadable one, and what is wrong there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plainwire.quic.integers import varint

if TYPE_CHECKING:
    from collections.abc import Callable


class Ack(NamedTuple):
    """``largest``: the highest packet number that arrived; all from ``lowest`` to it did.

    ``further``: lower runs of numbers that did, (lowest, largest), in falling order.
    """

    largest: int
    lowest: int
    further: tuple[tuple[int, int], ...] = ()


class Crypto(NamedTuple):
    """Bytes of the TLS handshake."""

    offset: int
    data: bytes


class Stream(NamedTuple):
    """Bytes of a stream; ``fin``: the stream ends with them."""

    stream: int
    offset: int
    data: bytes
    fin: bool


class ResetStream(NamedTuple):
    """The sender abandons a stream. ``reliable_size``: of RESET_STREAM_AT, what arrives all the same."""

    stream: int
    code: int
    final_size: int
    reliable_size: int | None = None


class StopSending(NamedTuple):
    """The receiver wants no more of a stream."""

    stream: int
    code: int


class LimitFrame(NamedTuple):
    """A flow control limit (``kind`` max_...), or that the sender has reached one (..._blocked)."""

    kind: str
    stream: int | None
    limit: int


class NewConnectionId(NamedTuple):
    """Another connection id that the peer may use, and its stateless reset token."""

    sequence: int
    id: bytes
    token: bytes
    retire_prior_to: int = 0


class Close(NamedTuple):
    """CONNECTION_CLOSE. ``frame`` is the type of the frame at fault, None if the application closes."""

    code: int
    frame: int | None
    reason: bytes


class DatagramFrame(NamedTuple):
    """An unreliable datagram of the application."""

    size: int


class Other(NamedTuple):
    """A frame without content that matters here, by its name.

    ``number``: the first integer in it, if it has any: a sequence number, the length of a token.
    """

    kind: str
    number: int | None = None


Frame = (
    Ack
    | Crypto
    | Stream
    | ResetStream
    | StopSending
    | LimitFrame
    | NewConnectionId
    | Close
    | DatagramFrame
    | Other
)
_TOKEN = 16
_LIMITS = {  # by type: name, whether a stream id comes first
    0x10: ("max_data", False),
    0x11: ("max_stream_data", True),
    0x12: ("max_streams_bidi", False),
    0x13: ("max_streams_uni", False),
    0x14: ("data_blocked", False),
    0x15: ("stream_data_blocked", True),
    0x16: ("streams_blocked_bidi", False),
    0x17: ("streams_blocked_uni", False),
}
_INTEGERS = {  # frames of integers only: name, how many
    0x01: ("ping", 0),
    0x19: ("retire_connection_id", 1),
    0x1E: ("handshake_done", 0),
    0x1F: ("immediate_ack", 0),  # draft-ietf-quic-ack-frequency
    0xAF: ("ack_frequency", 4),
}


def parse(data: bytes) -> tuple[list[Frame], str]:
    """Parse a packet's payload: its frames, and why reading ended early (or nothing)."""
    frames: list[Frame] = []
    at, size = 0, len(data)
    kind = 0
    try:
        while at < size:
            if not data[at]:  # PADDING
                at = size - len(data[at:].lstrip(b"\0"))
                continue
            kind, at = varint(data, at)
            if 0x08 <= kind <= 0x0F:
                at = _stream(data, at, kind, frames)
                continue
            read = _READERS.get(kind)
            if read is None:
                return frames, f"frame type 0x{kind:X} is not known"
            at = read(data, at, kind, frames)
    except IndexError:
        return frames, f"a frame of type 0x{kind:X} is cut"
    return frames, ""


def _take(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise IndexError
    return data[at : at + size]


def _stream(data: bytes, at: int, kind: int, frames: list[Frame]) -> int:
    stream, at = varint(data, at)
    offset = 0
    if kind & 4:
        offset, at = varint(data, at)
    if kind & 2:
        size, at = varint(data, at)
        content = _take(data, at, size)
    else:
        content = data[at:]
    frames.append(Stream(stream, offset, content, bool(kind & 1)))
    return at + len(content)


def _ack(data: bytes, at: int, kind: int, frames: list[Frame]) -> int:
    largest, at = varint(data, at)
    _, at = varint(data, at)
    ranges, at = varint(data, at)
    if ranges > len(data):
        raise IndexError
    first, at = varint(data, at)
    low, further = largest - first, []
    for _ in range(ranges):  # RFC 9000 section 19.3.1
        gap, at = varint(data, at)
        size, at = varint(data, at)
        high = low - gap - 2
        low = high - size
        if low >= 0:
            further.append((low, high))
    for _ in range(3 if kind == 3 else 0):  # ECN counts
        _, at = varint(data, at)
    frames.append(Ack(largest, max(largest - first, 0), tuple(further)))
    return at


def _crypto(data: bytes, at: int, _: int, frames: list[Frame]) -> int:
    offset, at = varint(data, at)
    size, at = varint(data, at)
    frames.append(Crypto(offset, _take(data, at, size)))
    return at + size


def _reset(data: bytes, at: int, kind: int, frames: list[Frame]) -> int:
    stream, at = varint(data, at)
    code, at = varint(data, at)
    final_size, at = varint(data, at)
    reliable_size = None
    if kind == 0x24:
        reliable_size, at = varint(data, at)
    frames.append(ResetStream(stream, code, final_size, reliable_size))
    return at


def _stop(data: bytes, at: int, _: int, frames: list[Frame]) -> int:
    stream, at = varint(data, at)
    code, at = varint(data, at)
    frames.append(StopSending(stream, code))
    return at


def _new_token(data: bytes, at: int, _: int, frames: list[Frame]) -> int:
    size, at = varint(data, at)
    _take(data, at, size)
    frames.append(Other("new_token", size))
    return at + size


def _limit(data: bytes, at: int, kind: int, frames: list[Frame]) -> int:
    name, of_stream = _LIMITS[kind]
    stream = None
    if of_stream:
        stream, at = varint(data, at)
    limit, at = varint(data, at)
    frames.append(LimitFrame(name, stream, limit))
    return at


def _new_connection_id(data: bytes, at: int, _: int, frames: list[Frame]) -> int:
    sequence, at = varint(data, at)
    retire_prior_to, at = varint(data, at)
    size = data[at]
    content = _take(data, at + 1, size + _TOKEN)
    frames.append(NewConnectionId(sequence, content[:size], content[size:], retire_prior_to))
    return at + 1 + size + _TOKEN


def _path(data: bytes, at: int, kind: int, frames: list[Frame]) -> int:
    _take(data, at, 8)
    frames.append(Other("path_challenge" if kind == 0x1A else "path_response"))
    return at + 8


def _close(data: bytes, at: int, kind: int, frames: list[Frame]) -> int:
    code, at = varint(data, at)
    frame = None
    if kind == 0x1C:
        frame, at = varint(data, at)
    size, at = varint(data, at)
    frames.append(Close(code, frame, _take(data, at, size)))
    return at + size


def _datagram(data: bytes, at: int, kind: int, frames: list[Frame]) -> int:
    size = len(data) - at
    if kind & 1:
        size, at = varint(data, at)
        _take(data, at, size)
    frames.append(DatagramFrame(size))
    return at + size


def _integers(data: bytes, at: int, kind: int, frames: list[Frame]) -> int:
    name, count = _INTEGERS[kind]
    numbers = []
    for _ in range(count):
        number, at = varint(data, at)
        numbers.append(number)
    frames.append(Other(name, numbers[0] if numbers else None))
    return at


_READERS: dict[int, Callable[[bytes, int, int, list[Frame]], int]] = {
    0x02: _ack,
    0x03: _ack,
    0x04: _reset,
    0x24: _reset,
    0x05: _stop,
    0x06: _crypto,
    0x07: _new_token,
    0x18: _new_connection_id,
    0x1A: _path,
    0x1B: _path,
    0x1C: _close,
    0x1D: _close,
    0x30: _datagram,
    0x31: _datagram,
    **dict.fromkeys(_LIMITS, _limit),
    **dict.fromkeys(_INTEGERS, _integers),
}
