"""The options of a TCP header that matter in a SYN (RFC 9293 section 3.1)."""

from __future__ import annotations

from plainwire.model import SynOptions

_END, _NOP = 0, 1
_MSS, _WINDOW_SCALE, _SACK_PERMITTED, _TIMESTAMPS = 2, 3, 4, 8
_SIZES = {_MSS: 4, _WINDOW_SCALE: 3, _SACK_PERMITTED: 2, _TIMESTAMPS: 10}
"""RFC 9293 section 3.2, RFC 7323 sections 2.2 and 3.2, RFC 2018 section 2."""


def read(data: bytes) -> SynOptions | None:
    """Read what is between the fixed header and the payload, at most 40 bytes.

    None if a length is impossible, or is not the one that the option must have: then nothing can be said
    about missing options. If an option occurs twice the last one counts, as in Linux.
    """
    mss: int | None = None
    window_scale: int | None = None
    stamp: int | None = None
    echo: int | None = None
    sack = False
    at, end = 0, min(len(data), 40)
    while at < end and data[at] != _END:
        kind = data[at]
        if kind == _NOP:
            at += 1
            continue
        size = data[at + 1] if at + 1 < end else 0
        if size < 2 or at + size > end or _SIZES.get(kind, size) != size:
            return None
        if kind == _MSS:
            mss = data[at + 2] << 8 | data[at + 3]
        elif kind == _WINDOW_SCALE:
            window_scale = data[at + 2]
        elif kind == _SACK_PERMITTED:
            sack = True
        elif kind == _TIMESTAMPS:
            stamp = int.from_bytes(data[at + 2 : at + 6])
            echo = int.from_bytes(data[at + 6 : at + 10])
        at += size
    return SynOptions(mss, window_scale, sack, stamp, echo)
