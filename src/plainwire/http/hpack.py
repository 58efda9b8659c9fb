"""Header compression of HTTP/2 (RFC 7541), as an observer decodes it.

Why not a library: those stop at the first thing that cannot be decoded, as an endpoint must. A capture may
begin when the dynamic table already has entries, or have a gap. New entries come *before* the old ones (index
62 is the newest), so entries inserted since then are found without knowing the earlier ones. An index beyond
those is a field that cannot be known: it becomes ``UNKNOWN`` and is counted.

After a block that cannot be decoded, encoder and observer may have inserted different entries: from there on
the table is unknown in the same way.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from plainwire import kernel
from plainwire.http.header_coding import BrokenBlockError, Strings, integer

UNKNOWN = "(unknown)"
"""Stands for a name or value in the part of the dynamic table that was not seen."""

DEFAULT_TABLE = 4096
MOST_TABLE = 1 << 20
"""Most bytes of dynamic table that are kept, whatever the peers agree on (RFC 7541 section 4.1)."""

MOST_FIELDS = 1 << 20
"""Most bytes of header list kept for one block: a few bytes can stand for many (RFC 7541 section 7.3)."""

_UNKNOWN_TABLE = 1 << 16
"""Bytes kept if the size was agreed on before the capture began."""

OVERHEAD = 32
"""Bytes that an entry counts in addition to its name and value (RFC 7541 section 4.1)."""


if TYPE_CHECKING:
    from plainwire._kernel import Hpack

Field = tuple[str, str]

_STATIC_TABLE = (
    ":authority",
    ":method=GET",
    ":method=POST",
    ":path=/",
    ":path=/index.html",
    ":scheme=http",
    ":scheme=https",
    ":status=200",
    ":status=204",
    ":status=206",
    ":status=304",
    ":status=400",
    ":status=404",
    ":status=500",
    "accept-charset",
    "accept-encoding=gzip, deflate",
    "accept-language",
    "accept-ranges",
    "accept",
    "access-control-allow-origin",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "user-agent",
    "vary",
    "via",
    "www-authenticate",
)
"""RFC 7541 appendix A: name, or name=value."""

STATIC: list[Field] = [("", "")]
STATIC += [(name, value) for name, _, value in (entry.partition("=") for entry in _STATIC_TABLE)]
_FIRST_DYNAMIC = len(STATIC)


class Block(NamedTuple):
    """A decoded header block. ``defect`` says why decoding ended before the block did."""

    fields: list[Field]
    defect: str = ""
    unknown: int = 0
    """Number of fields that refer to entries of the dynamic table that were not seen."""


class HpackDecoder:
    """The decoder of one direction. ``unseen`` says why older entries of the table are unknown, if so."""

    def __init__(self) -> None:
        self.unseen = ""
        self.compiled: Hpack | None = None
        """The kernel's decoder, which has the table as long as all of it is known and no block is unusual."""
        self._allowed: int | None = DEFAULT_TABLE
        self._table: deque[Field] = deque()  # the newest first
        self._size = 0
        self._limit = DEFAULT_TABLE
        self._excess = ""  # what is wrong about the table's size in the block that is being decoded
        self._strings = Strings()
        if kernel.compiled is not None:
            self.compiled = kernel.compiled.Hpack(STATIC, DEFAULT_TABLE)

    @property
    def allowed(self) -> int | None:
        """The most that the receiving side's SETTINGS ever allowed; None where they may have been missed."""
        return self._allowed

    @allowed.setter
    def allowed(self, size: int | None) -> None:
        self._allowed = size
        if self.compiled is not None:
            self.compiled.allowed = size

    def forget(self, why: str) -> None:
        """Header blocks were missed: nothing in the table can be found any more."""
        self.unseen = self.unseen or why
        self.compiled = None
        self.allowed = None
        self._table.clear()
        self._size, self._limit = 0, _UNKNOWN_TABLE

    def decode(self, block: bytes) -> Block:
        """Decode one block: all fragments together (RFC 9113 section 4.3). No bytes raise an error."""
        if self.compiled is not None:
            known = self.compiled.decode(block)
            if known is not None:
                return Block(known)
            table, self._size, self._limit = self.compiled.leave()
            self._table.extend(table)
            self.compiled = None
        fields: list[Field] = []
        try:
            return self._decode(block, fields)
        except BrokenBlockError as error:
            self.forget("an earlier header block could not be decoded")
            return Block(fields, str(error))
        except IndexError:
            self.forget("an earlier header block could not be decoded")
            return Block(fields, "the header block ends within a field (RFC 7541 section 6)")

    def _decode(self, block: bytes, fields: list[Field]) -> Block:
        at, end, size, unknown = 0, len(block), 0, 0
        seen: dict[int, Field] = {}  # by the byte that stands for it: a block may name one field very often
        while at < end:
            byte = block[at]
            if byte in seen:
                field, at = seen[byte], at + 1
            elif byte >= 0x80:  # an indexed field: section 6.1
                if byte < 0xFF:
                    index, at = byte & 0x7F, at + 1
                else:
                    index, at = integer(block, at, 0x7F)
                field = STATIC[index] if 0 < index < _FIRST_DYNAMIC else self._entry(index)
                if byte < 0xFF:
                    seen[byte] = field
            elif byte & 0xE0 == 0x20:  # a change of the table's size: section 6.3
                limit, at = integer(block, at, 0x1F)
                self._resize(limit)
                seen.clear()
                continue
            else:
                field, at = self._literal(block, at)
                seen.clear()
            if field[0] is UNKNOWN or field[1] is UNKNOWN:
                unknown += 1
            size += len(field[0]) + len(field[1]) + OVERHEAD
            if size <= MOST_FIELDS:
                fields.append(field)
        defect, self._excess = self._excess, ""
        if size > MOST_FIELDS:
            defect = f"the header list has {size} bytes; the first {MOST_FIELDS} are kept"
        return Block(fields, defect, unknown)

    def _entry(self, index: int) -> Field:
        place = index - _FIRST_DYNAMIC
        if 0 <= place < len(self._table):
            return self._table[place]
        if index and self.unseen:
            return UNKNOWN, UNKNOWN
        message = f"index {index} is not in the header table (RFC 7541 section 2.3.3)"
        raise BrokenBlockError(message)

    def _literal(self, block: bytes, at: int) -> tuple[Field, int]:
        """A literal field: sections 6.2.1 (with indexing), 6.2.2 and 6.2.3 (without)."""
        indexing = block[at] & 0xC0 == 0x40
        index, at = integer(block, at, 0x3F if indexing else 0x0F)
        if index:
            name = STATIC[index][0] if index < _FIRST_DYNAMIC else self._entry(index)[0]
        else:
            name, at = self._strings.read(block, at)
        value, at = self._strings.read(block, at)
        field = name, value
        if indexing:
            self._insert(field)
        return field, at

    def _insert(self, field: Field) -> None:
        size = len(field[0]) + len(field[1]) + OVERHEAD
        self._size += size
        self._table.appendleft(field)
        self._evict()

    def _evict(self) -> None:
        """RFC 7541 section 4.4: an entry larger than the table empties it."""
        while self._size > self._limit and self._table:
            name, value = self._table.pop()
            self._size -= len(name) + len(value) + OVERHEAD

    def _resize(self, limit: int) -> None:
        allowed = self.allowed
        if limit > MOST_TABLE:
            raise BrokenBlockError(_excess(limit, MOST_TABLE))
        if allowed is not None and limit > allowed:
            # SETTINGS that allow it may have been captured late, and what follows can be read anyhow.
            self._excess = _excess(limit, allowed)
        self._limit = limit
        self._evict()


def _excess(limit: int, allowed: int) -> str:
    return f"a header table of {limit} bytes, where {allowed} are allowed (RFC 7541 section 6.3)"
