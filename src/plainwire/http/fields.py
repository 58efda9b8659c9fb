"""Start lines and header fields of HTTP/1.x, as they are, with what is wrong about them.

RFC 9112 sections 2 to 6. Nothing is refused: whatever the other side made of a broken message, the
user must see the bytes that it got. Real traffic repeats itself, so results are cached by the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST_CACHED = 4096
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_MOST_DIGITS = 18


@dataclass(slots=True)
class Fields:
    """Header fields in order, and what of them frames the body (RFC 9112 section 6)."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    content_length: int | None = None
    chunked: bool = False
    transfer_encoding: bool = False
    close: bool = False
    keep_alive: bool = False
    upgrade: bool = False
    defects: list[str] = field(default_factory=list)


def printable(data: bytes, most: int = 60) -> str:
    """Bytes from the wire, shortened and escaped, for use in a sentence."""
    text = data[:most].decode("latin-1").encode("unicode_escape").decode("ascii")
    return f"'{text}'" + ("..." if len(data) > most else "")


class FieldParser:
    """Parses blocks of field lines; a block seen before costs one look-up."""

    def __init__(self) -> None:
        self._cache: dict[bytes, Fields] = {}

    def parse(self, block: bytes) -> Fields:
        """The fields of a block of lines, without the empty line that ends it."""
        known = self._cache.get(block)
        if known is None:
            known = _parse(block)
            if len(self._cache) >= _MOST_CACHED:
                self._cache.clear()
            self._cache[block] = known
        return known


def _parse(block: bytes) -> Fields:
    fields = Fields()
    lengths: list[bytes] = []
    codings: list[str] = []
    for line in _lines(block, fields.defects):
        name, value = _field(line, fields)
        lowered = name.lower()
        if lowered == "content-length":
            lengths.append(value.encode("latin-1"))
        elif lowered == "transfer-encoding":
            codings += [c.strip().lower() for c in value.split(",")]
        elif lowered == "connection":
            options = {option.strip().lower() for option in value.split(",")}
            fields.close = fields.close or "close" in options
            fields.keep_alive = fields.keep_alive or "keep-alive" in options
        elif lowered == "upgrade":
            fields.upgrade = True
    fields.content_length = _content_length(lengths, fields.defects)
    fields.transfer_encoding = bool(codings)
    fields.chunked = bool(codings) and codings[-1] == "chunked"
    if codings and lengths:
        fields.defects.append("both Transfer-Encoding and Content-Length (RFC 9112 section 6.3)")
    return fields


def _lines(block: bytes, defects: list[str]) -> list[bytes]:
    """Lines without their ends; obsolete line folding (RFC 9112 section 5.2) undone."""
    lines: list[bytes] = []
    for raw in block.split(b"\n"):
        line = raw[:-1] if raw.endswith(b"\r") else raw
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1] += b" " + line.strip()
            defects.append("obsolete line folding in the header (RFC 9112 section 5.2)")
        elif line:
            lines.append(line)
    return lines


def _field(line: bytes, fields: Fields) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    if not colon:
        fields.defects.append(f"header line without a colon: {printable(line)}")
    elif not name or not _TOKEN.issuperset(name):
        fields.defects.append(f"field name is no token: {printable(name)} (RFC 9112 section 5.1)")
    if b"\r" in value or b"\0" in value:
        fields.defects.append(f"CR or NUL in the value of {printable(name)} (RFC 9110 section 5.5)")
    pair = (name.decode("latin-1"), value.strip(b" \t").decode("latin-1"))
    fields.headers.append(pair)
    return pair


def _content_length(values: list[bytes], defects: list[str]) -> int | None:
    if not values:
        return None
    each = [v.strip() for value in values for v in value.split(b",")]
    if len(set(each)) > 1:
        defects.append("Content-Length fields that differ (RFC 9112 section 6.3); the first one counts here")
    if not each[0].isdigit() or len(each[0]) > _MOST_DIGITS:
        defects.append(f"Content-Length is no number: {printable(each[0])}")
        return None
    return int(each[0])


@dataclass(slots=True)
class RequestLine:
    """method SP request-target SP HTTP-version (RFC 9112 section 3)."""

    method: str
    target: str
    version: str
    defects: list[str]


@dataclass(slots=True)
class StatusLine:
    """HTTP-version SP status-code SP [reason-phrase] (RFC 9112 section 4)."""

    version: str
    status: int
    reason: str
    defects: list[str]


def request_line(line: bytes) -> RequestLine:
    """Read a request line; what does not fit stays in ``target``."""
    parts = line.split(b" ")
    if len(parts) >= 3 and parts[-1].startswith(b"HTTP/"):  # noqa: PLR2004
        method, target, version = parts[0], b" ".join(parts[1:-1]), parts[-1]
        defects = [] if len(parts) == 3 else ["spaces in the request target (RFC 9112 section 3.2)"]  # noqa: PLR2004
    else:
        method, _, target = line.partition(b" ")
        version = b""
        defects = [f"request line without a version: {printable(line)}"]
    if not method or not _TOKEN.issuperset(method):
        defects.append(f"the method is no token: {printable(method)} (RFC 9110 section 9.1)")
    return RequestLine(
        method.decode("latin-1"), target.decode("latin-1"), version.decode("latin-1"), defects
    )


def status_line(line: bytes) -> StatusLine:
    """Read a status line; the status is 0 where there is no number of three digits."""
    version, _, rest = line.partition(b" ")
    code, _, reason = rest.partition(b" ")
    if code.isdigit() and len(code) == 3:  # noqa: PLR2004
        status, defects = int(code), []
    else:
        status, defects = 0, [f"status line without a status: {printable(line)} (RFC 9112 section 4)"]
    return StatusLine(version.decode("latin-1"), status, reason.decode("latin-1"), defects)
