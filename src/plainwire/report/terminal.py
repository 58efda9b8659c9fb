"""The verdict on the terminal: for somebody tired, with a failing job.

What failed, how often of how many; who did it; how sure that is; what to do; which packets show it; and what
could not be seen. Plain text with stable line breaks; colour only on request. What comes from the wire is
escaped.
"""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.plurals import count
from plainwire.report import program_account, redact, servers
from plainwire.report.coverage import remarks, shortfalls
from plainwire.report.escape import printable
from plainwire.report.headline import headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.model import Certainty, Exchange, Fault, Finding, Report

_FINDINGS_SHOWN = 5
"""Findings that are shown in full; the others, which are rarer, get one line each."""
_EXCHANGES_SHOWN = 5
_EVIDENCE_SHOWN = 6
_LABEL = 9
"""Width of the column of labels."""

WHO: dict[Fault, str] = {
    "server": "The server's side.",
    "client": "The client's side.",
    "both": "Nobody broke the rules: each side did what it is allowed to do.",
    "path": "Something on the network path between client and server.",
    "unknown": "This capture cannot show who it was.",
}
SURE: dict[Certainty, str] = {
    "proved": "Proved by the packets below.",
    "likely": "Likely: the other explanations were checked and do not fit.",
    "possible": "Possible: the packets allow other explanations.",
}


class _Style(Struct, frozen=True):
    """Where lines end, and whether they have colour."""

    width: int
    color: bool

    def strong(self, text: str, code: str = "1") -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color else text

    def labelled(self, label: str, text: str) -> Iterator[str]:
        """A label and a paragraph beside it."""
        indent = " " * _LABEL
        first = f"  {label}".ljust(_LABEL)
        lines = textwrap.wrap(
            text, self.width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
        )
        for number, line in enumerate(lines):
            yield self.strong(line[:_LABEL]) + line[_LABEL:] if number == 0 else line


def verdict(report: Report, *, case: str | None = None, width: int = 80, color: bool = False) -> str:
    """Return the whole verdict; ``case`` names the folder for the commands to go on with."""
    style = _Style(max(40, width), color)
    missing, others = shortfalls(report), remarks(report)
    lines = [style.strong(headline(report, missing), "1;31" if report.findings else "1")]
    for number, finding in enumerate(report.findings[:_FINDINGS_SHOWN], start=1):
        lines += ["", *_finding(number, finding, report, case, style)]
    others_found = [f"{f.code}: {printable(f.claim, 160)}" for f in report.findings[_FINDINGS_SHOWN:]]
    if others_found:
        lines += ["", style.strong("Found as well"), *_list(others_found, style)]
    lines += _background(report, style)
    side = list(program_account.lines(report))
    if side:
        lines += ["", style.strong("The program's side"), *_list(side, style)]
    if missing:
        lines += ["", style.strong("Not seen"), *_list(missing, style)]
    if others:
        lines += ["", style.strong("Also"), *_list(others, style)]
    if report.coverage.other_connections:
        lines += [
            "",
            f"{count(report.coverage.other_connections, 'connection')} of other programs left out.",
        ]
    if report.coverage.other_packets:
        lines += [
            "",
            f"{count(report.coverage.other_packets, 'packet')} of other programs left out of the case.",
        ]
    if report.findings and case is not None:
        lines += ["", *_next_steps(report.findings, case)]
    return "\n".join(lines) + "\n"


def _background(report: Report, style: _Style) -> Iterator[str]:
    """What the failures have in common, and what is known about their servers."""
    if not report.findings:
        return
    common = [printable(redact.line(contrast.claim)) for contrast in report.comparison] + report.undecided
    if common:
        yield from ("", style.strong("In common"), *_list(common, style))
    for facts in servers.concerned(report):
        yield from ("", style.strong(f"The server {facts.address}"), *_list(servers.sentences(facts), style))


def describe(exchange: Exchange, limit: int = 60) -> str:
    """Return an exchange in one line, without secrets and safe to print: ``GET /object/17  unanswered``."""
    request, response = exchange.request, exchange.response
    asked = "(no request)"
    if request is not None:
        asked = printable(f"{request.method} {redact.target(request.target)}", limit)
    status = f"{response.status}, " if response is not None and response.status else ""
    packet = request.packet if request is not None else response.packet if response is not None else 0
    return f"{asked}  {status}{exchange.outcome}, packet {packet}"


def _finding(number: int, finding: Finding, report: Report, case: str | None, style: _Style) -> Iterator[str]:
    yield style.strong(f"{number}. {finding.code}", "1;33")
    yield from style.labelled("What", printable(finding.claim))
    yield from _exchanges(finding, report, style)
    yield from style.labelled("Who", WHO[finding.fault])
    yield from style.labelled("Sure", SURE[finding.certainty])
    for quoted in finding.quotes:
        words = f'{quoted.what}: "{redact.quote(quoted.text)}" (packet {quoted.packet})'
        yield from style.labelled("Quote", words)
    yield from style.labelled("Said", finding.program_says)
    label = "Do"
    for side, advice in (("Client", finding.advice_client), ("Server", finding.advice_server)):
        if advice:
            yield from style.labelled(label, f"{side}: {_sentence(printable(advice))}")
            label = ""
        for setting in finding.settings:
            if setting.side == side.lower():
                yield from style.labelled(label, printable(setting.says))
                label = ""
    yield from _retry(finding, style)
    yield from _look(finding, case, style)
    if finding.runner_up:
        yield from style.labelled("Not", printable(finding.runner_up) + ".")


def _exchanges(finding: Finding, report: Report, style: _Style) -> Iterator[str]:
    wanted = set(finding.exchanges)
    found = [exchange for exchange in report.exchanges if exchange.id in wanted]
    for exchange in found[:_EXCHANGES_SHOWN]:
        line = f"{' ' * _LABEL}{exchange.id:>5}  {describe(exchange)}"
        yield line if len(line) <= style.width else line[: style.width - 1] + "…"
    if len(found) > _EXCHANGES_SHOWN:
        yield f"{' ' * _LABEL}       and {len(found) - _EXCHANGES_SHOWN} more"


def _retry(finding: Finding, style: _Style) -> Iterator[str]:
    if finding.retry_safe is not None:
        yield from style.labelled("Retry", retry(finding))


def retry(finding: Finding) -> str:
    """Whether a retry is harmless, and useful."""
    if not finding.retry_safe:
        return "Not safe: the server may have carried them out, and the method is not idempotent."
    if finding.retry_useful is False:
        return "Harmless, but useless: it fails again until this is changed."
    return "Safe for these requests."


def _look(finding: Finding, case: str | None, style: _Style) -> Iterator[str]:
    shown = finding.evidence[:_EVIDENCE_SHOWN]
    if not shown:
        return
    packets = ",".join(str(number) for number in sorted({e.packet for e in shown}))
    condition = f"frame.number in {{{packets}}}"
    command = f"in Wireshark, with the display filter {condition}"
    if case is not None:
        command = f"wireshark {shlex.quote(printable(f'{case}/capture.pcapng'))} -Y '{condition}'"
    yield style.strong("  Look".ljust(_LABEL)) + command  # in one line, to be copied
    for evidence in shown:
        label = f"{' ' * _LABEL}{evidence.packet:>6}  "
        yield from textwrap.wrap(
            printable(evidence.says), style.width, initial_indent=label, subsequent_indent=" " * len(label)
        )
    if len(finding.evidence) > len(shown):
        yield f"{' ' * _LABEL}        and {len(finding.evidence) - len(shown)} more in the report"


def _list(items: Iterable[str], style: _Style) -> Iterator[str]:
    for item in items:
        yield from textwrap.wrap(item, style.width, initial_indent="  ", subsequent_indent="    ")


def _next_steps(findings: list[Finding], case: str) -> Iterator[str]:
    first = findings[0]
    if first.exchanges:
        where = shlex.quote(printable(case))
        yield f"More: plainwire show {where} {first.exchanges[0]}; plainwire explain {first.code}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else text
