"""The report in its case: written once, and one exchange of it read back without all the others.

Beside ``report.json`` stands ``report.index``: where in it each connection, exchange and finding begins. It
counts for nothing where it was not written by this version of plainwire, or where report, capture or the
program's events have another size than when it was: then the packets are read again.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from plainwire import case as cases
from plainwire.model import UserError

if TYPE_CHECKING:
    from plainwire.case import Case
    from plainwire.model import Report
    from plainwire.report.page.about import About


class _Index(msgspec.Struct):
    """``sizes``: of the report, the capture and the program's events, in bytes. The rest are places in the
    report (``report.json.Places``).
    """

    plainwire: str
    sizes: list[int]
    connections: list[int]
    exchanges: list[int]
    findings: list[int]


def write(case: Case, report: Report, about: About) -> None:
    """Write the report into its case, for machines and for people.

    Raises:
        OSError: there is no room, or something of its name is there.

    """
    from plainwire.report import html, json  # noqa: PLC0415 - kept out of what only reads

    places = json.Places()
    cases.write(case.report_json, json.encode(report, places), case.place)
    index = _Index(version("plainwire"), _sizes(case), places.connections, places.exchanges, places.findings)
    cases.write(case.report_index, msgspec.json.encode(index), case.place)
    cases.write(case.report_html, html.render(report, about).encode(), case.place)


def items(case: Case, number: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]] | None:
    """What report.json has of one exchange: its connection, itself, and all findings.

    None where the case has no report that still holds, or no such exchange.
    """
    try:
        index = msgspec.json.decode(_read(case, case.report_index.name), type=_Index)
        if index.plainwire != version("plainwire") or index.sizes != _sizes(case):
            return None
        if not 1 <= number < len(index.exchanges):
            return None
        (found,) = _items(case, index.exchanges, number, number)
        (connection,) = _items(case, index.connections, found["connection"], found["connection"])
        findings = _items(case, index.findings, 1, len(index.findings) - 1)
    except (UserError, OSError, msgspec.DecodeError, LookupError, ValueError):
        return None
    return connection, found, findings


def _items(case: Case, places: list[int], first: int, last: int) -> list[dict[str, Any]]:
    """The items of report.json with these numbers, from 1, by one read; none where ``last`` is 0."""
    start, end = places[first - 1], places[last] - 1
    items = _read(case, case.report_json.name, start, max(start, end))
    return msgspec.json.decode(b"[" + items + b"]", type=list[dict[str, Any]])


def _read(case: Case, name: str, start: int = 0, end: int | None = None) -> bytes:
    with os.fdopen(case.place.open(name).reader(), "rb") as file:
        file.seek(start)
        return file.read(-1 if end is None else end - start)


def _sizes(case: Case) -> list[int]:
    """Of the files that a report rests on; 0 of one that is not there."""
    names = (case.report_json.name, case.capture.name, case.program.name)
    place = case.place
    return [os.fstat(place.open(name).descriptor).st_size if place.has(name) else 0 for name in names]
