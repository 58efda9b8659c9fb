"""The verdict in Markdown, for an issue tracker: what failed, why, how sure, which packets.

Text from the wire is in code spans whose fences are longer than any run of backticks in it, so that none of
it is markup, a link or a mention.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire.report import program_account, terminal
from plainwire.report import redact as hide
from plainwire.report.coverage import remarks, shortfalls
from plainwire.report.escape import printable
from plainwire.report.headline import headline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Exchange, Finding, Report

_REQUESTS, _EVIDENCE = 10, 12
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|@~&-])")


def render(report: Report) -> str:
    """Return the page; ends in a newline."""
    missing = shortfalls(report)
    lines = [f"## {escaped(headline(report, missing))}", ""]
    for number, finding in enumerate(report.findings, 1):
        lines += [*_finding(number, finding, report), ""]
    for title, told in (
        ("In common", [hide.line(contrast.claim) for contrast in report.comparison] + report.undecided),
        ("The program's side", list(program_account.lines(report))),
        ("Not seen", missing),
        ("Also", remarks(report)),
    ):
        if told:
            lines += [f"### {title}", "", *(f"- {escaped(line)}" for line in told), ""]
    coverage = report.coverage
    counts = f"{coverage.packets} packets, {coverage.connections} connections, {coverage.decrypted} decrypted"
    lines.append(f"<sub>{counts}. Packet numbers are Wireshark's. Secrets are hidden.</sub>")
    return "\n".join(lines) + "\n"


def _finding(number: int, finding: Finding, report: Report) -> Iterator[str]:
    yield f"### {number}. {code(finding.code)}"
    yield ""
    yield escaped(finding.claim)
    yield ""
    yield f"- **Who:** {escaped(terminal.WHO[finding.fault])}"
    yield f"- **How sure:** {escaped(terminal.SURE[finding.certainty])}"
    for side, advice in (("Client", finding.advice_client), ("Server", finding.advice_server)):
        if advice:
            yield f"- **{side}:** {escaped(advice)}"
        yield from (f"  - {escaped(s.says)}" for s in finding.settings if s.side == side.lower())
    if finding.retry_safe is not None:
        yield f"- **Retry:** {escaped(terminal.retry(finding))}"
    if finding.tests:
        yield f"- **Test:** {escaped(program_account.named_tests(finding.tests))}"
    if finding.program_says:
        yield f"- **Program:** {escaped(finding.program_says)}"
    if finding.runner_up:
        yield f"- **Ruled out:** {escaped(finding.runner_up)}"
    yield from _requests(finding, report)
    yield from _evidence(finding)


def _requests(finding: Finding, report: Report) -> Iterator[str]:
    wanted = set(finding.exchanges)
    found = [exchange for exchange in report.exchanges if exchange.id in wanted]
    if not found:
        return
    yield from ("", "| exchange | request | outcome |", "|---:|---|---|")
    yield from (_row(exchange) for exchange in found[:_REQUESTS])
    if len(found) > _REQUESTS:
        yield f"| | and {len(found) - _REQUESTS} more | |"


def _row(exchange: Exchange) -> str:
    asked = "(no request)"
    if exchange.request is not None:
        asked = code(f"{exchange.request.method} {hide.target(exchange.request.target)}", 120)
    status = f"{exchange.response.status}, " if exchange.response is not None else ""
    return f"| {exchange.id} | {asked} | {status}{exchange.outcome} |"


def _evidence(finding: Finding) -> Iterator[str]:
    if not finding.evidence:
        return
    yield from ("", "<details><summary>Packets</summary>", "", "| packet | shows |", "|---:|---|")
    yield from (f"| {e.packet} | {escaped(e.says)} |" for e in finding.evidence[:_EVIDENCE])
    if len(finding.evidence) > _EVIDENCE:
        yield f"| | and {len(finding.evidence) - _EVIDENCE} more |"
    for quoted in finding.quotes:
        yield f"| {quoted.packet} | {escaped(quoted.what)}: {code(hide.line(quoted.text), hide.QUOTED)} |"
    yield from ("", "</details>")


def code(text: str, limit: int | None = None) -> str:
    """A code span (CommonMark section 6.1) that also works in a table, where a bar would end its cell."""
    shown = printable(text, limit).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def escaped(text: str) -> str:
    """Escape our own words, which may contain names from the wire."""
    return _SPECIAL.sub(r"\\\1", printable(text).replace("\\\\", "\\"))
