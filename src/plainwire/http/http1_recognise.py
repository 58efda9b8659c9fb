"""Whether a side's first bytes are HTTP/1, as far as they have come. Without state."""

from __future__ import annotations

import re

NOT_HTTP = "not HTTP"
STATUS_PREFIX = b"HTTP/"
_LONGEST_LINE = 1 << 20
_HTTP2_PREFACE = b"PRI * HTTP/2.0"  # RFC 9113 section 3.4
_REQUEST_BEGINS = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}(?: |$)").match
_CUT_REQUEST = re.compile(rb"[A-Z-]{1,32} (?:/|\*|https?:|[\w.:\[\]-]+:\d*)").match
_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")
REQUEST_START = re.compile(
    rb"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PROPFIND|REPORT|MKCOL|COPY|MOVE|LOCK|UNLOCK|PROPPATCH"
    rb"|SEARCH|NOTIFY|SUBSCRIBE|UNSUBSCRIBE|M-SEARCH) [^\r\n ]{1,65536} HTTP/1\.[01]\r?\n"
).finditer
STATUS_START = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9][ \r\n]").finditer
"""Matches only the first line of a message, wherever it is."""
_WITHOUT_VERSION = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH)(?: +(?:[/*]|https?:)|\r?$)").match
_ANSWER_BEGINS = re.compile(rb"(?:\r?\n)*(?:HTTP/|HTTP$|HTT$|HT$|H$|$)").match


def foreign(text: bytes, at: int) -> str | None:
    """What a client's first bytes are, if not an HTTP/1 request."""
    line = text[at : at + _LONGEST_LINE].split(b"\n", 1)
    if line[0].startswith(_HTTP2_PREFACE):
        return "HTTP/2"
    if not _REQUEST_BEGINS(line[0]) or (
        len(line) > 1 and b"HTTP/" not in line[0] and not _WITHOUT_VERSION(line[0])
    ):
        return NOT_HTTP
    return None


def is_cut_request(line: bytes) -> bool:
    """Whether a client's only, unfinished line is the beginning of a request line.

    A single word could be anything: it must be at least three letters of a method.
    """
    if len(line) > 2 and any(method.startswith(line) for method in _METHODS):
        return True
    return _CUT_REQUEST(line) is not None


def may_answer(text: bytes, at: int) -> bool:
    """Whether a server's first bytes are the beginning of a status line."""
    return _ANSWER_BEGINS(text, at) is not None
