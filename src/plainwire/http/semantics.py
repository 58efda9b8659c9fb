"""From decoded header fields of HTTP/2 and HTTP/3 to requests and responses, with their defects.

RFC 9113 sections 8.2 and 8.3; RFC 9114 sections 4.2 and 4.3 say the same. Nothing is rejected: a malformed
message is one with defects. ``headers`` has all fields as they were on the wire, the pseudo-header fields
first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from plainwire.http.hpack import UNKNOWN
from plainwire.http.http1_fields import printable
from plainwire.http.targets import RAW_TARGET, is_target
from plainwire.model import Request, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.http.hpack import Field

MOST_DEFECTS = 20
_MOST_KNOWN = 4096
_MOST_DIGITS = 18
_NAME = re.compile(r":?[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch
_UPPER = re.compile(r"[A-Z]").search
_BAD_VALUE = re.compile(r"[\0\r\n]|^[ \t]|[ \t]$").search
_CONNECTION_FIELDS = frozenset(
    ("connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade")
)
_OF_REQUESTS = frozenset((":method", ":scheme", ":authority", ":path", ":protocol"))
_OF_RESPONSES = frozenset((":status",))
_NONE: frozenset[str] = frozenset()


class Place(Protocol):
    """The position of something: offsets of its carrier, packets and times of its first and last byte."""

    start: int
    end: int
    packet: int
    time_ns: int
    last_packet: int
    last_ns: int


class FieldRules:
    """Checks fields against the RFC; a pair that was valid before costs one look-up."""

    def __init__(self) -> None:
        self._good: set[Field] = set()

    def check(self, fields: Sequence[Field], allowed: frozenset[str]) -> list[str]:
        """The defects of one block's fields; ``allowed`` are its pseudo-header fields."""
        defects: list[str] = []
        seen: set[str] = set()
        regular = False
        for field in fields:
            name = field[0]
            if name[:1] == ":":
                if regular:
                    defects.append(f"pseudo-header field {_shown(name)} after a regular one (section 8.3)")
                if name in seen:
                    defects.append(f"{_shown(name)} more than once (section 8.3)")
                elif name not in allowed:
                    defects.append(f"pseudo-header field {_shown(name)} does not belong here (section 8.3)")
                seen.add(name)
            elif name is not UNKNOWN:
                regular = True
            if field not in self._good:
                self._look(field, defects)
        return defects[:MOST_DEFECTS]

    def _look(self, field: Field, defects: list[str]) -> None:
        name, value = field
        before = len(defects)
        if name is UNKNOWN:
            return
        if not _NAME(name):
            what = "has upper case letters" if _UPPER(name) else "is no token"
            defects.append(f"field name {_shown(name)} {what} (section 8.2)")
        if _BAD_VALUE(value):
            defects.append(f"bad character in the value of {_shown(name)} (section 8.2.1)")
        if name in _CONNECTION_FIELDS or (name == "te" and value.strip().lower() != "trailers"):
            defects.append(f"field {_shown(name)} is for HTTP/1.1 only (section 8.2.2)")
        if len(defects) == before:
            if len(self._good) >= _MOST_KNOWN:
                self._good.clear()
            self._good.add(field)


def _shown(text: str) -> str:
    return printable(text.encode("latin-1", "replace"))


def make_request(rules: FieldRules, fields: list[Field], place: Place, version: str) -> Request:
    """A request from its header fields. What was not seen is ``UNKNOWN``, what is absent is empty."""
    first = _firsts(fields)
    absent = UNKNOWN if _any_unknown(fields) else ""
    method = first.get(":method", absent)
    target = first.get(":path", absent)
    connect = method == "CONNECT" and ":protocol" not in first  # RFC 9113 section 8.5, RFC 8441 section 4
    if connect and ":path" not in first:
        target = first.get(":authority", absent)
    request = Request(method, target, version, fields, place.start, place.end)
    request.defects = rules.check(fields, _OF_REQUESTS)
    if not absent:
        needed = (":authority",) if connect else (":method", ":scheme", ":path")
        request.defects += [f"no {name} (section 8.3.1)" for name in needed if not first.get(name)]
    if target is not UNKNOWN and not is_target(target):
        request.defects.append(RAW_TARGET)
    _place(request, place)
    request.declared_size = _content_length(fields, request.defects)
    return request


def make_response(rules: FieldRules, fields: list[Field], place: Place, version: str) -> Response:
    """A response (1xx too) from its header fields; the status is 0 if there is none."""
    status = _firsts(fields).get(":status", "")
    number = int(status) if len(status) == 3 and status.isascii() and status.isdigit() else 0
    response = Response(number, "", version, fields, place.start, place.end)
    response.defects = rules.check(fields, _OF_RESPONSES)
    if not number and not (status == UNKNOWN or _any_unknown(fields)):
        response.defects.append(f"no status: {_shown(status)} (section 8.3.2)")
    _place(response, place)
    response.declared_size = _content_length(fields, response.defects)
    return response


def trailer_defects(rules: FieldRules, fields: list[Field]) -> list[str]:
    """The defects of a block of trailers (RFC 9113 section 8.1)."""
    return rules.check(fields, _NONE)


def value_of(fields: Sequence[Field], name: str) -> str:
    """The value of the first field with this name (lower case); empty if there is none."""
    for field in fields:
        if field[0] == name:
            return field[1]
    return ""


def _firsts(fields: list[Field]) -> dict[str, str]:
    return {name: value for name, value in reversed(fields) if name[:1] == ":"}


def _any_unknown(fields: list[Field]) -> bool:
    return any(name is UNKNOWN for name, _ in fields)


def _place(message: Request | Response, place: Place) -> None:
    message.packet, message.time_ns = place.packet, place.time_ns
    message.last_packet, message.last_ns = place.last_packet, place.last_ns


def _content_length(fields: list[Field], defects: list[str]) -> int | None:
    values = [value for name, value in fields if name == "content-length" and value is not UNKNOWN]
    if not values:
        return None
    first = values[0]
    if not (first.isascii() and first.isdigit()) or len(first) > _MOST_DIGITS:
        defects.append(f"content-length is no number: {_shown(first)}")
        return None
    if any(value != first for value in values):
        defects.append("content-length fields that differ; the first one counts here (RFC 9110 section 8.6)")
    return int(first)
