"""What agents are told: plain values, bounded in number and length, without secrets and safe to print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainwire.report import program_account, redact, servers, table, terminal
from plainwire.report.coverage import remarks, shortfalls
from plainwire.report.escape import printable
from plainwire.report.headline import headline
from plainwire.report.summary import summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Finding, Report

Answer = dict[str, Any]

ITEMS, CHARACTERS, TEXT = 20, 2_000, 12_000
"""The most items of a list, characters of one of them, and characters of a text: a model reads all of it, and
pays for it (chosen).
"""


class AbsentError(Exception):
    """What was asked for is not there; the message says what is."""


def overview(report: Report) -> Answer:
    """The answer of a report: its headline, a few words on each finding, what could not be seen."""
    missing = shortfalls(report)
    coverage = report.coverage
    return {
        "headline": _short(headline(report, missing)),
        "findings": _some([_brief(finding, report) for finding in report.findings]),
        "in_common": _some(printable(redact.line(contrast.claim)) for contrast in report.comparison),
        "servers": _some(
            f"{facts.address}: {sentence}"
            for facts in servers.concerned(report)
            for sentence in servers.sentences(facts)
        ),
        "program": _some(program_account.lines(report)),
        "not_seen": _some(missing),
        "remarks": _some(remarks(report)),
        "counts": {
            "packets": coverage.packets,
            "connections": len(report.connections),
            "decrypted_connections": coverage.decrypted,
            "exchanges": len(report.exchanges),
        },
        "packet_numbers": "those that Wireshark shows for the capture",
    }


def _brief(finding: Finding, report: Report) -> Answer:
    told = summary(finding, report)
    return {
        "code": finding.code,
        "how_often": told.share,
        "cause": _short(told.cause),
        "blame": finding.fault,
        "certainty": finding.certainty,
        "retry": told.retry,
        "fix": _short(told.fix),
        "exchanges": finding.exchanges[:ITEMS],
        "deciding_packets": finding.packets[:ITEMS],
    }


def findings(report: Report, code: str = "") -> Answer:
    """The findings in full, or those with one code.

    Raises:
        AbsentError: there is none with this code.

    """
    found = [finding for finding in report.findings if code in ("", finding.code)]
    if not found and code:
        codes = ", ".join(finding.code for finding in report.findings) or "none"
        message = f"no finding {printable(code, 80)}; there are: {codes}"
        raise AbsentError(message)
    return {"findings": _some([_finding(each, report) for each in found])}


def _finding(finding: Finding, report: Report) -> Answer:
    wanted = set(finding.exchanges)
    return {
        "code": finding.code,
        "claim": _short(finding.claim),
        "blame": {"who": finding.fault, "says": terminal.WHO[finding.fault]},
        "certainty": {"grade": finding.certainty, "says": terminal.SURE[finding.certainty]},
        "exchanges": _some(
            f"{exchange.id}: {terminal.describe(exchange)}"
            for exchange in report.exchanges
            if exchange.id in wanted
        ),
        "evidence": _some(f"packet {each.packet}: {printable(each.says)}" for each in finding.evidence),
        "ruled_out": _short(finding.runner_up),
        "would_refute_it": _short(finding.refuted_by),
        "program_said": _short(finding.program_says),
        "quotes": _some(
            f"packet {each.packet}, {each.what}: {redact.quote(each.text)}" for each in finding.quotes
        ),
        "fix": {"client": _short(finding.client_advice), "server": _short(finding.server_advice)},
        "retry": terminal.retry(finding) if finding.retry_safe is not None else "",
        "references": finding.references[:ITEMS],
    }


def exchange(report: Report, number: int) -> Answer:
    """One exchange in full: headers, times, packets, its connection, its findings.

    Raises:
        AbsentError: it has no such number.

    """
    text = table.exchange(report, number)
    if text is None:
        message = f"no exchange {number}; there are {len(report.exchanges)}"
        raise AbsentError(message)
    return {"text": _cut(text, TEXT)}


def _some(items: Iterable[Any]) -> list[Any]:
    """The first items, and how many are left out."""
    every = [_short(item) if isinstance(item, str) else item for item in items]
    left = len(every) - ITEMS
    return [*every[:ITEMS], f"({left} more left out)"] if left > 0 else every


def _short(text: str) -> str:
    return _cut(printable(text).replace("\\\\", "\\"), CHARACTERS)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
