"""Field compression of HTTP/3 (RFC 9204), as an observer decodes it.

The encoder stream fills the dynamic table; field sections on other streams refer to its entries by absolute
index and say how many insertions they need (``needed``): until those have come, a section must wait.

Why not a library: what this decoder cannot know (a gap in the encoder stream, SETTINGS that were not
captured) costs one field, not the whole message. Evicted entries stay for a while, because a section may be
read here later than it was sent.
"""

from __future__ import annotations

from collections import deque

from plainwire.http.header_coding import BrokenBlockError, Strings, integer
from plainwire.http.hpack import MOST_FIELDS, MOST_TABLE, OVERHEAD, UNKNOWN, Block, Field

MOST_INSTRUCTION = 1 << 16
"""Most bytes of an incomplete encoder instruction."""

_STATIC_TABLE = (
    ":authority",
    ":path=/",
    "age=0",
    "content-disposition",
    "content-length=0",
    "cookie",
    "date",
    "etag",
    "if-modified-since",
    "if-none-match",
    "last-modified",
    "link",
    "location",
    "referer",
    "set-cookie",
    ":method=CONNECT",
    ":method=DELETE",
    ":method=GET",
    ":method=HEAD",
    ":method=OPTIONS",
    ":method=POST",
    ":method=PUT",
    ":scheme=http",
    ":scheme=https",
    ":status=103",
    ":status=200",
    ":status=304",
    ":status=404",
    ":status=503",
    "accept=*/*",
    "accept=application/dns-message",
    "accept-encoding=gzip, deflate, br",
    "accept-ranges=bytes",
    "access-control-allow-headers=cache-control",
    "access-control-allow-headers=content-type",
    "access-control-allow-origin=*",
    "cache-control=max-age=0",
    "cache-control=max-age=2592000",
    "cache-control=max-age=604800",
    "cache-control=no-cache",
    "cache-control=no-store",
    "cache-control=public, max-age=31536000",
    "content-encoding=br",
    "content-encoding=gzip",
    "content-type=application/dns-message",
    "content-type=application/javascript",
    "content-type=application/json",
    "content-type=application/x-www-form-urlencoded",
    "content-type=image/gif",
    "content-type=image/jpeg",
    "content-type=image/png",
    "content-type=text/css",
    "content-type=text/html; charset=utf-8",
    "content-type=text/plain",
    "content-type=text/plain;charset=utf-8",
    "range=bytes=0-",
    "strict-transport-security=max-age=31536000",
    "strict-transport-security=max-age=31536000; includesubdomains",
    "strict-transport-security=max-age=31536000; includesubdomains; preload",
    "vary=accept-encoding",
    "vary=origin",
    "x-content-type-options=nosniff",
    "x-xss-protection=1; mode=block",
    ":status=100",
    ":status=204",
    ":status=206",
    ":status=302",
    ":status=400",
    ":status=403",
    ":status=421",
    ":status=425",
    ":status=500",
    "accept-language",
    "access-control-allow-credentials=FALSE",
    "access-control-allow-credentials=TRUE",
    "access-control-allow-headers=*",
    "access-control-allow-methods=get",
    "access-control-allow-methods=get, post, options",
    "access-control-allow-methods=options",
    "access-control-expose-headers=content-length",
    "access-control-request-headers=content-type",
    "access-control-request-method=get",
    "access-control-request-method=post",
    "alt-svc=clear",
    "authorization",
    "content-security-policy=script-src 'none'; object-src 'none'; base-uri 'none'",
    "early-data=1",
    "expect-ct",
    "forwarded",
    "if-range",
    "origin",
    "purpose=prefetch",
    "server",
    "timing-allow-origin=*",
    "upgrade-insecure-requests=1",
    "user-agent",
    "x-forwarded-for",
    "x-frame-options=deny",
    "x-frame-options=sameorigin",
)
"""RFC 9204 appendix A: name, or name=value."""

STATIC: list[Field] = [(name, value) for name, _, value in (entry.partition("=") for entry in _STATIC_TABLE)]


class QpackDecoder:
    """The decoder of one side's field sections.

    ``capacity`` is the other side's SETTINGS_QPACK_MAX_TABLE_CAPACITY (None: not seen yet); ``unseen`` says
    why some entries of the table are unknown, if any.
    """

    def __init__(self) -> None:
        self.capacity: int | None = None
        self.unseen = ""
        self.inserted = 0
        self._table: deque[Field] = deque()  # the newest first
        self._size = 0
        self._strings = Strings()
        self._carry = b""

    def forget(self, why: str) -> None:
        """Insertions were missed: from here on indices cannot be resolved."""
        self.unseen = self.unseen or why
        self._table.clear()
        self._size = 0
        self._carry = b""

    # --- the encoder's stream -----------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take more of the encoder stream (section 4.3)."""
        if self.unseen:
            return
        data = self._carry + data
        at = 0
        try:
            while at < len(data):
                at = self._instruction(data, at)
        except BrokenBlockError as error:
            self.forget(f"the encoder's stream is broken: {error}")
            return
        except IndexError:
            pass  # an instruction that is not complete yet
        self._carry = data[at:]
        if len(self._carry) > MOST_INSTRUCTION:
            self.forget("an instruction of the encoder is too long")

    def _instruction(self, data: bytes, at: int) -> int:
        byte = data[at]
        if byte >= 0x80:
            index, at = integer(data, at, 0x3F)
            name = _static(index)[0] if byte & 0x40 else self._relative(index)[0]
        elif byte & 0x40:
            name, at = self._strings.read(data, at, 0x1F)
        elif byte & 0x20:
            _, at = integer(data, at, 0x1F)  # the table's capacity: entries are kept by a bound of our own
            return at
        else:
            index, at = integer(data, at, 0x1F)
            self._insert(self._relative(index))
            return at
        value, at = self._strings.read(data, at)
        self._insert((name, value))
        return at

    def _relative(self, index: int) -> Field:
        if index >= len(self._table):
            message = f"entry {index} is not in the table (RFC 9204 section 3.2.5)"
            raise BrokenBlockError(message)
        return self._table[index]

    def _insert(self, field: Field) -> None:
        self._table.appendleft(field)
        self.inserted += 1
        self._size += len(field[0]) + len(field[1]) + OVERHEAD
        while self._size > MOST_TABLE and self._table:
            name, value = self._table.pop()
            self._size -= len(name) + len(value) + OVERHEAD

    # --- field sections -----------------------------------------------------------------------------

    def waits(self, section: bytes) -> bool:
        """Whether the section needs insertions that may still come."""
        if not section or not section[0] or self.unseen:
            return False
        if self.capacity is None:
            return True
        try:
            return self._needed(integer(section, 0, 0xFF)[0]) > self.inserted
        except (BrokenBlockError, IndexError):
            return False

    def _needed(self, encoded: int) -> int:
        """The Required Insert Count (section 4.5.1.1)."""
        if not encoded:
            return 0
        entries = (self.capacity or 0) // 32
        full = 2 * entries
        if encoded > full:
            message = (
                f"a required insert count of {encoded} where {full} is the most (RFC 9204 section 4.5.1.1)"
            )
            raise BrokenBlockError(message)
        highest = self.inserted + entries
        needed = highest // full * full + encoded - 1
        if needed > highest:
            needed -= full
        if needed <= 0:
            message = (
                f"a required insert count of {encoded} that no count leads to (RFC 9204 section 4.5.1.1)"
            )
            raise BrokenBlockError(message)
        return needed

    def decode(self, section: bytes) -> Block:
        """Decode one section. No bytes raise an error."""
        fields: list[Field] = []
        unknown, defect = 0, ""
        try:
            unknown = self._decode(section, fields)
        except BrokenBlockError as error:
            defect = str(error)
        except IndexError:
            defect = "the field section ends within a field (RFC 9204 section 4.5)"
        return Block(fields, defect, unknown)

    def _decode(self, section: bytes, fields: list[Field]) -> int:
        encoded, at = integer(section, 0, 0xFF)
        negative = section[at] & 0x80
        delta, at = integer(section, at, 0x7F)
        known = not self.unseen and self.capacity is not None
        needed = self._needed(encoded) if known else 0
        base = needed - delta - 1 if negative else needed + delta
        size, unknown = 0, 0
        while at < len(section):
            field, at = self._line(section, at, base if known else None)
            unknown += field[0] is UNKNOWN or field[1] is UNKNOWN
            size += len(field[0]) + len(field[1]) + OVERHEAD
            if size > MOST_FIELDS:
                message = f"the field section has more than {MOST_FIELDS} bytes; so many are kept"
                raise BrokenBlockError(message)
            fields.append(field)
        return unknown

    def _line(self, section: bytes, at: int, base: int | None) -> tuple[Field, int]:
        """One field line: sections 4.5.2 to 4.5.6."""
        byte = section[at]
        if byte >= 0x80:
            index, at = integer(section, at, 0x3F)
            return (_static(index) if byte & 0x40 else self._entry(base, -index - 1)), at
        if byte & 0xF0 == 0x10:
            index, at = integer(section, at, 0x0F)
            return self._entry(base, index), at
        if byte & 0x40:
            index, at = integer(section, at, 0x0F)
            name = (_static(index) if byte & 0x10 else self._entry(base, -index - 1))[0]
        elif byte & 0x20:
            name, at = self._strings.read(section, at, 0x07)
        else:
            index, at = integer(section, at, 0x07)
            name = self._entry(base, index)[0]
        value, at = self._strings.read(section, at)
        return (name, value), at

    def _entry(self, base: int | None, offset: int) -> Field:
        """The entry at this distance from the base; None if the base cannot be known."""
        if base is None:
            return UNKNOWN, UNKNOWN
        place = self.inserted - 1 - (base + offset)
        if base + offset < 0 or not 0 <= place < len(self._table):
            message = f"entry {base + offset} is not in the table (RFC 9204 section 2.2.3)"
            raise BrokenBlockError(message)
        return self._table[place]


def _static(index: int) -> Field:
    if index >= len(STATIC):
        message = f"index {index} is not in the static table (RFC 9204 appendix A)"
        raise BrokenBlockError(message)
    return STATIC[index]
