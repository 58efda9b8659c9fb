"""WebSocket frames without what they say (RFC 6455 section 5): headers, masks and close codes stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.share import stand_ins

if TYPE_CHECKING:
    from plainwire.share.hiding import Hider

_CONTINUATION, _CONTROL, _CLOSE = 0, 8, 8
_DEFLATED = 0x40


class WebSocketText:
    """Rewrites one side. ``compressed``: permessage-deflate was agreed on (RFC 7692)."""

    def __init__(self, hider: Hider, *, compressed: bool) -> None:
        self._hider = hider
        self._compressed = compressed
        self._packed = False  # the message that is going on is compressed

    def rewritten(self, data: bytes) -> bytes:
        """The frames, as long as before. What follows no frame is hidden."""
        parts: list[bytes] = []
        at = 0
        while at + 2 <= len(data):
            header = self._header(data, at)
            if at + header > len(data):
                break
            size = _length(data, at)
            start, end = at + header, min(at + header + size, len(data))
            parts += [
                data[at:start],
                self._payload(data[at:start], data[start:end], whole=end - start == size),
            ]
            at = end
        rest = data[at:]
        return b"".join([*parts, rest if len(rest) < 14 else self._hider.marks.body(rest)])

    @staticmethod
    def _header(data: bytes, at: int) -> int:
        length = data[at + 1] & 0x7F
        return 2 + (2 if length == 126 else 8 if length == 127 else 0) + (4 if data[at + 1] & 0x80 else 0)

    def _payload(self, header: bytes, payload: bytes, *, whole: bool) -> bytes:
        opcode, final = header[0] & 15, bool(header[0] & 0x80)
        key = header[-4:] if header[1] & 0x80 else b""
        plain = _masked(payload, key)
        if opcode == _CLOSE:
            made = plain[:2] + self._hider.line(plain[2:])
        elif opcode & _CONTROL:
            made = self._hider.whole(plain)
        else:
            if opcode != _CONTINUATION:
                self._packed = self._compressed and bool(header[0] & _DEFLATED)
            made = self._packed_part(plain, final=final) if self._packed and whole else b""
            made = made or self._hider.marks.body(plain)
        return _masked(made, key)

    @staticmethod
    def _packed_part(plain: bytes, *, final: bool) -> bytes:
        """Of a message in several frames the earlier ones hold whole blocks, each with its tail."""
        if final:
            return stand_ins.message(len(plain)) or b""
        inner = stand_ins.message(len(plain) - 4)
        return b"" if inner is None else inner + b"\0\0\xff\xff"


def _length(data: bytes, at: int) -> int:
    length = data[at + 1] & 0x7F
    if length >= 126:
        return int.from_bytes(data[at + 2 : at + (4 if length == 126 else 10)])
    return length


def _masked(data: bytes, key: bytes) -> bytes:
    if not key or not data:
        return data
    pad = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(pad)).to_bytes(len(data))
