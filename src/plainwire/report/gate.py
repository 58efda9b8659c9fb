"""Whether a report is to fail the job that it was made in: by codes that were named, less what is known."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection

    from plainwire.model import Finding, Report

ANY = "any"
_NO_FINDING = frozenset({"capture-artifact", "not-a-failure"})
_SCHEMA = 1

Known = frozenset[tuple[str, str]]
"""Findings that are there already: code and server."""


class Gate(Struct, frozen=True):
    """``patterns``: see ``fits``."""

    patterns: tuple[str, ...]
    known: Known = frozenset()

    def stopped_by(self, report: Report) -> list[Finding]:
        """The findings that are to fail the job."""
        return [f for f in report.findings if fits(f.code, self.patterns) and not self._is_known(f, report)]

    def _is_known(self, finding: Finding, report: Report) -> bool:
        return bool(self.known) and all((finding.code, at) in self.known for at in _servers(finding, report))


def fits(code: str, patterns: Collection[str]) -> bool:
    """Whether a code is among ``patterns``: codes, stems of families, patterns with ``*``, or ``any``."""
    if code in _NO_FINDING:
        return code in patterns
    return any(
        pattern == ANY or fnmatch.fnmatchcase(code, pattern) or code.startswith(f"{pattern}-")
        for pattern in patterns
    )


def misspelled(patterns: Collection[str], codes: Collection[str]) -> list[str]:
    """Patterns that no code fits."""
    return [
        pattern
        for pattern in patterns
        if pattern != ANY
        and not fnmatch.filter(codes, pattern)
        and not any(code.startswith(f"{pattern}-") for code in codes)
    ]


def baseline(report: Report) -> bytes:
    """The findings of a report as a file for ``known``."""
    rows = sorted({(f.code, at) for f in report.findings for at in _servers(f, report)})
    known = [{"code": code, "server": server} for code, server in rows]
    return orjson.dumps({"schema": _SCHEMA, "known": known}, option=orjson.OPT_INDENT_2) + b"\n"


def known(data: bytes) -> Known:
    """Read such a file.

    Raises:
        ValueError: it is none.

    """
    try:
        read: Any = orjson.loads(data)
        return frozenset((str(each["code"]), str(each["server"])) for each in read["known"])
    except (ValueError, TypeError, KeyError) as error:
        message = "no baseline: plainwire run --write-baseline FILE makes one"
        raise ValueError(message) from error


def _servers(finding: Finding, report: Report) -> list[str]:
    """Whom it is about: by name, or by address without the port, which differs from run to run in tests."""
    ids = set(finding.connections)
    found = set()
    for connection in report.connections:
        if connection.id in ids:
            named = connection.tls.server_name if connection.tls is not None else None
            found.add(named or connection.server.address)
    return sorted(found) or [""]
