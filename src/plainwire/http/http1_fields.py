"""Start lines and header fields of HTTP/1.x, as they are, with their defects.

RFC 9112 sections 2 to 6. Nothing is rejected: whatever the peer did with a malformed message, the user must
see the bytes that it got. Real traffic repeats itself, so results are cached by the bytes.
"""

from __future__ import annotations

import re

from msgspec import Struct, field

from plainwire.http.content import codings
from plainwire.http.event_stream import TYPES as EVENT_STREAMS
from plainwire.http.targets import RAW_TARGET, is_target

MOST_DEFECTS = 100
"""Defects of one head that are kept."""

_MOST_CACHED = 4096
_LONGEST_CACHED = 4096
"""Characters of what is kept for the next time: with them no capture fills the memory."""
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_MOST_DIGITS = 18
_VERSION = re.compile(rb"HTTP/\d\.\d").fullmatch


class Framing(Struct):
    """What the fields say about the body's framing and the connection's end (RFC 9112 sections 6, 9.6).

    Shared between messages with the same fields: never changed once made.
    """

    content_length: int | None = None
    chunked: bool = False
    transfer_encoding: bool = False
    close: bool = False
    keep_alive: bool = False
    upgrade: bool = False
    broken: bool = False
    codings: tuple[str, ...] = ()  # transfer and content codings of the body, in the order of being applied
    event_stream: str = ""  # the type of contents that are a stream of events
    defects: list[str] = field(default_factory=list)


Headers = list[tuple[str, str]]


def printable(data: bytes, most: int = 60) -> str:
    """Bytes from the wire, shortened and escaped, to be quoted in a sentence."""
    text = data[:most].decode("latin-1").encode("unicode_escape").decode("ascii")
    return f"'{text}'" + ("..." if len(data) > most else "")


(
    _ORDINARY,
    _CONTENT_LENGTH,
    _TRANSFER_ENCODING,
    _CONNECTION,
    _UPGRADE,
    _CONTENT_ENCODING,
    _CONTENT_TYPE,
    _BROKEN,
) = range(8)
_KINDS = {
    "content-length": _CONTENT_LENGTH,
    "transfer-encoding": _TRANSFER_ENCODING,
    "connection": _CONNECTION,
    "upgrade": _UPGRADE,
    "content-encoding": _CONTENT_ENCODING,
    "content-type": _CONTENT_TYPE,
}
_Known = tuple[tuple[str, str], int]  # a field, and its kind


class FieldParser:
    """Parses blocks of field lines; a line that was seen before costs one look-up."""

    def __init__(self) -> None:
        self._lines: dict[str, _Known] = {}
        self._kinds: dict[str, int] = {}
        self._framings: dict[tuple[_Known, ...], Framing] = {(): Framing()}

    def parse(self, block: bytes) -> tuple[Headers, Framing]:
        """Parse the fields of a block of lines, without the empty line that ends it."""
        text = block.decode("latin-1").removesuffix("\r")
        lines = text.split("\r\n")
        ends = len(lines) - 1
        if text.count("\n") != ends or text.count("\r") != ends or "\0" in text:
            return _parse_broken(block)
        known, learn = self._lines.get, self.learn
        fields = [known(line) or learn(line) for line in lines]
        headers = [field[0] for field in fields]
        special = [field for field in fields if field[1]]
        key = tuple(special)
        framing = self._framings.get(key)
        if framing is None:
            framing = framing_of(special)
            if len(self._framings) >= _MOST_CACHED:
                self._framings.clear()
            if len(block) <= _LONGEST_CACHED:
                self._framings[key] = framing
        return _parse_broken(block) if framing.broken else (headers, framing)

    def learn(self, line: str) -> _Known:
        """Read a line that is new; of ASCII without CR, LF and NUL, or with none of those alone."""
        name, colon, value = line.partition(":")
        kind = self._kinds.get(name)
        if kind is None:
            token = bool(name) and _TOKEN.issuperset(name.encode("latin-1"))
            kind = _KINDS.get(name.lower(), _ORDINARY) if token else _BROKEN
            if token and len(self._kinds) < _MOST_CACHED and len(name) <= _LONGEST_CACHED:
                self._kinds[name] = kind
        value = value.strip(" \t")
        if kind == _CONTENT_TYPE and not value.lower().startswith(EVENT_STREAMS):
            kind = _ORDINARY  # so that framings are as few as can be
        field = (name, value), kind if colon else _BROKEN
        if len(self._lines) >= _MOST_CACHED:
            self._lines.clear()
        if len(line) <= _LONGEST_CACHED:
            self._lines[line] = field
        return field


def framing_of(special: list[_Known]) -> Framing:
    """What the fields of a kind (``_ORDINARY`` is none) say together."""
    framing = Framing()
    values: dict[int, list[str]] = {}
    for (_, value), kind in special:
        values.setdefault(kind, []).append(value)
    options = {option for value in values.get(_CONNECTION, ()) for option in _listed(value)}
    framing.close, framing.keep_alive = "close" in options, "keep-alive" in options
    framing.upgrade, framing.broken = _UPGRADE in values, _BROKEN in values
    kinds = (value for value in values.get(_CONTENT_TYPE, ()) if value.lower().startswith(EVENT_STREAMS))
    framing.event_stream = next(kinds, "")
    lengths = values.get(_CONTENT_LENGTH, [])
    if lengths:
        framing.content_length = _content_length(lengths, framing.defects)
    transfer = [coding for value in values.get(_TRANSFER_ENCODING, ()) for coding in _listed(value)]
    framing.codings = codings(values.get(_CONTENT_ENCODING, ())) + codings(
        c for c in transfer if c != "chunked"
    )
    if transfer:
        framing.transfer_encoding = True
        framing.chunked = transfer[-1] == "chunked"
        if transfer.count("chunked") > 1:
            framing.defects.append("Transfer-Encoding: chunked more than once (RFC 9112 section 6.1)")
        if lengths:
            framing.defects.append("both Transfer-Encoding and Content-Length (RFC 9112 section 6.3)")
    return framing


def _listed(value: str) -> list[str]:
    """The elements of a list (RFC 9110 section 5.6.1); a bare CR counts as a space (RFC 9112 section 2.2)."""
    return [element.strip(" \t\r") for element in value.lower().split(",")]


def _parse_broken(block: bytes) -> tuple[Headers, Framing]:
    """The slow way: any line may break any rule."""
    defects: list[str] = []
    known = [_field(line, defects) for line in _lines(block, defects)]
    framing = framing_of([field for field in known if field[1]])
    framing.defects = defects + framing.defects
    return [pair for pair, _ in known], framing


def _lines(block: bytes, defects: list[str]) -> list[bytes]:
    """Lines without their line ends, unfolded (obsolete line folding, RFC 9112 section 5.2)."""
    lines: list[list[bytes]] = []
    for raw in block.split(b"\n"):
        line = raw[:-1] if raw.endswith(b"\r") else raw
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1].append(line.strip())
            if len(defects) < MOST_DEFECTS:
                defects.append("obsolete line folding in the header (RFC 9112 section 5.2)")
        elif line:
            lines.append([line])
    return [b" ".join(parts) for parts in lines]


def _field(line: bytes, defects: list[str]) -> _Known:
    name, colon, value = line.partition(b":")
    if len(defects) < MOST_DEFECTS:
        _judge(line, defects)
    text = name.decode("latin-1")
    kind = _KINDS.get(text.strip(" \t").lower(), _ORDINARY) if colon else _ORDINARY
    return (text, value.strip(b" \t").decode("latin-1")), kind


def _judge(line: bytes, defects: list[str]) -> None:
    """What is wrong about one line."""
    name, colon, value = line.partition(b":")
    if not colon:
        defects.append(f"header line without a colon: {printable(line)}")
    elif not name or not _TOKEN.issuperset(name):
        defects.append(f"field name is no token: {printable(name)} (RFC 9112 section 5.1)")
    if b"\r" in value or b"\0" in value:
        defects.append(f"CR or NUL in the value of {printable(name)} (RFC 9110 section 5.5)")


def _content_length(values: list[str], defects: list[str]) -> int | None:
    first = values[0]
    if len(values) > 1 or "," in first:
        each = [v.strip() for value in values for v in value.split(",")]
        if len(set(each)) > 1:
            defects.append(
                "Content-Length fields that differ (RFC 9112 section 6.3); the first one counts here"
            )
        first = each[0]
    if not (first.isascii() and first.isdigit()) or len(first.lstrip("0")) > _MOST_DIGITS:
        defects.append(f"Content-Length is no number: {printable(first.encode('latin-1'))}")
        return None
    return int(first)


class RequestLine(Struct):
    """method SP request-target SP HTTP-version (RFC 9112 section 3)."""

    method: str
    target: str
    version: str
    defects: list[str]


class StatusLine(Struct):
    """HTTP-version SP status-code SP [reason-phrase] (RFC 9112 section 4)."""

    version: str
    status: int
    reason: str
    defects: list[str]


_METHODS = {
    name.encode(): name
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
}
_FINE: list[str] = []  # shared, never changed


def request_line(line: bytes) -> RequestLine:
    """Read a request line; parts that do not fit stay in ``target``."""
    parts = line.split(b" ")
    if len(parts) == 3 and parts[2] == b"HTTP/1.1" and parts[0] in _METHODS:
        known = parts[1].decode("latin-1")
        return RequestLine(_METHODS[parts[0]], known, "HTTP/1.1", _FINE if is_target(known) else [RAW_TARGET])
    if len(parts) >= 3 and parts[-1].startswith(b"HTTP/"):
        method, target, version = parts[0], b" ".join(parts[1:-1]), parts[-1]
        defects = [] if len(parts) == 3 else ["spaces in the request target (RFC 9112 section 3.2)"]
    else:
        method, _, target = line.partition(b" ")
        version = b""
        defects = [f"request line without a version: {printable(line)}"]
    if not method or not _TOKEN.issuperset(method):
        defects.append(f"the method is no token: {printable(method)} (RFC 9110 section 9.1)")
    return RequestLine(method.decode("latin-1"), target.decode("latin-1"), version.decode("latin-1"), defects)


def status_line(line: bytes) -> StatusLine:
    """Read a status line; the status is 0 if there is no three-digit number."""
    version, _, rest = line.partition(b" ")
    code, _, reason = rest.lstrip(b" ").partition(b" ")
    if code.isdigit() and len(code) == 3:
        status, defects = int(code), []
        if not status:
            defects.append("status line with the status 000, which is none (RFC 9110 section 15)")
        if rest.startswith(b" "):
            defects.append(f"more than one space before the status: {printable(line)} (RFC 9112 section 4)")
    else:
        status, defects = 0, [f"status line without a status: {printable(line)} (RFC 9112 section 4)"]
    if status and not _VERSION(version):
        defects.append(f"status line with a version that is none: {printable(line)} (RFC 9112 section 2.3)")
    return StatusLine(version.decode("latin-1"), status, reason.decode("latin-1"), defects)
