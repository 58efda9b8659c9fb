"""Names the settings that a finding's advice asks for, where client or server were recognised."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from plainwire.diagnose import wording
from plainwire.diagnose.thresholds import SECOND_NS
from plainwire.model import NamedSetting

from . import programs
from .table import SETTINGS
from .wanted import Circumstances, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Exchange, Finding, Need, Report

    from .programs import Recognised
    from .table import Setting, Unit
    from .wanted import Wanted

MOST = 2
"""Settings that are named on one side of a finding: an advice of many lines is none."""

_MOST_EXCHANGES = 50
"""Exchanges of a finding, and others of its server, that are looked at."""

_UNITS: dict[Unit, float] = {
    "s": SECOND_NS,
    "whole s": SECOND_NS,
    "ms": SECOND_NS / 1000,
    "bytes": 1,
    "kB": 1024,
    "MB": 1024 * 1024,
    "number": 1,
}
"""What one of the unit is, in ns, bytes or as a number."""

_PLACEHOLDERS: dict[Unit, str] = {
    "s": "SECONDS",
    "whole s": "SECONDS",
    "ms": "MILLISECONDS",
    "bytes": "BYTES",
    "kB": "KILOBYTES",
    "MB": "MEGABYTES",
    "number": "NUMBER",
}

_RETRIES = ("hidden-retry", "unsafe-retry-duplicate")
"""Causes that say that something retries by itself."""

_TIMES = ("s", "whole s", "ms")


def name_settings(report: Report) -> None:
    """Add to each finding the settings that its remedy needs."""
    others: dict[str, list[Exchange]] = {}
    for connection in report.connections:
        seen = others.setdefault(str(connection.server), [])
        seen += connection.exchanges[: _MOST_EXCHANGES - len(seen)]
    by_id = {c.id: c for c in report.connections}
    retried = {
        str(by_id[number].server)
        for finding in report.findings
        if finding.code in _RETRIES
        for number in finding.connections
        if number in by_id
    }
    by_address = {str(facts.address): facts for facts in report.servers}
    for finding in report.findings:
        if not finding.client_needs and not finding.server_needs:
            continue
        connections = [by_id[number] for number in finding.connections if number in by_id]
        address = str(connections[0].server) if connections else ""
        ids = set(finding.exchanges[:_MOST_EXCHANGES])
        connections = connections[:_MOST_EXCHANGES]
        own = [(c, e) for c in connections for e in c.exchanges if e.id in ids]
        found = Circumstances(finding, own, by_address.get(address), address in retried)
        if finding.client_needs:
            add(finding, "client", programs.client(finding, connections, report.testimony), found)
        if finding.server_needs and connections:
            tls = connections[0].tls
            server = programs.balancer(tls.server_name if tls is not None else None) or programs.server(
                [*(e for _, e in own), *others[address]], found.facts
            )
            add(finding, "server", server, found)


def add(
    finding: Finding, side: Literal["client", "server"], program: Recognised | None, found: Circumstances
) -> None:
    """The settings of one side's program, in the order of the needs."""
    if program is None:
        return
    needs = finding.client_needs if side == "client" else finding.server_needs
    named = [
        NamedSetting(side, row.product, need, says, row.source)
        for need in needs
        for row in _rows(side, need, program)
        if (want := wanted(side, need, found)) is not None and (says := sentence(row, want))
    ]
    finding.settings += named[:MOST]


def _rows(side: str, need: Need, program: Recognised) -> Iterator[Setting]:
    """The row of the most special of the program's names that has one for the need."""
    for product in program.products:
        rows = [
            row
            for row in SETTINGS
            if (row.side, row.need, row.product) == (side, need, product)
            and _of_version(row, program.version)
        ]
        if rows:
            yield rows[0]
            return


def _of_version(row: Setting, version: str) -> bool:
    if not row.since and not row.before:
        return True
    if not version:
        return False
    known = _numbers(version)
    return _numbers(row.since) <= known and (not row.before or known < _numbers(row.before))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def sentence(row: Setting, want: Wanted) -> str:
    """The setting in words: ``httpx: httpx.Limits(keepalive_expiry=4.9) (below 4.98 s; default: 5 s).``.

    "" where the setting cannot take the value: one of whole seconds that is to be below one.
    """
    if row.unit == "statuses":
        told = row.example.replace("{}", ", ".join(map(str, want.statuses)) or "STATUSES")
        return f"{row.product}: {told} (default: {row.default})."
    if want.amount is None or not row.unit:
        told = row.example.replace("{}", _PLACEHOLDERS.get(row.unit, ""))
        return f"{row.product}: {told} (default: {row.default})."
    value = _value(want, row.unit)
    if value is None:
        return ""
    bound = _bound(want, row.unit)
    return f"{row.product}: {row.example.replace('{}', value)} ({bound}default: {row.default})."


def _bound(want: Wanted, unit: Unit) -> str:
    if not want.relation or want.amount is None:
        return ""
    amount = wording.span(want.amount) if unit in _TIMES else f"{want.amount:,}"
    noun = " bytes" if unit in ("bytes", "kB", "MB") else ""
    return f"{want.relation} {amount}{noun}; "


def _value(want: Wanted, unit: Unit) -> str | None:
    """A value of two digits on the safe side of the amount; None where the unit has none."""
    assert want.amount is not None  # noqa: S101 - sentence asks
    amount = want.amount / _UNITS[unit]
    if not want.relation:
        return f"{amount:g}"
    down = want.relation == "below"
    if unit in ("number", "bytes"):
        return str(want.amount - 1 if down else want.amount + 1)
    step = 1.0 if unit != "s" else 10.0 ** (math.floor(math.log10(amount)) - 1)
    if unit == "s":
        step = min(step, 1.0)
    elif unit == "ms":
        step = max(1.0, 10.0 ** (math.floor(math.log10(amount)) - 1))
    steps = math.ceil(amount / step) - 1 if down else math.floor(amount / step) + 1
    return f"{round(steps * step, 9):g}" if steps > 0 else None
