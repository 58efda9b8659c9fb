"""The verdict on the terminal: for somebody tired, with a failing job.

The answer first: for each finding what happened, how often of how many, who did it, how sure that is, whether
a retry is safe, and the fix. Then the details with the packets that show them, and what could not be seen.
Plain text with stable line breaks; colour only on request. What comes from the wire is escaped.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from plainwire.plurals import count
from plainwire.report import program_account, redact, servers
from plainwire.report.coverage import remarks, shortfalls
from plainwire.report.escape import printable
from plainwire.report.headline import headline
from plainwire.report.moments import short, when
from plainwire.report.style import BAD, GOOD, NAME, Style
from plainwire.report.summary import summary

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from plainwire.model import Certainty, Exchange, Fault, Finding, Report

Much = Literal["brief", "usual", "all"]

_FINDINGS_SHOWN = 5
"""Findings that are told in full; the others, which are rarer, get one line each."""
_EXCHANGES_SHOWN = 5
_EVIDENCE_SHOWN = 6
_TARGET, _BESIDE_TARGET = 24, 50
"""Characters of a method and target at least, and of what stands beside them in a line of 25 to 50."""
_LEAST_SENTENCE = 15
_FIX_LINES, _LEAST_FIX = 2, 40
"""Lines of a fix in the answer, and characters of it where it is cut; the details have all of it."""
_THOUGHT = re.compile(r"(?<=\.) |[:;,] ")

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


class CasePaths(Struct, frozen=True):
    """What stands in the commands to go on with: the case or capture file, its packets, where secrets are."""

    case: str
    capture: str
    options: tuple[str, ...] = ()
    wireshark: tuple[str, ...] = ()

    @classmethod
    def of_case(cls, folder: str) -> CasePaths:
        """A case folder, in which packets and secrets are together."""
        return cls(folder, f"{folder}/capture.pcapng")

    def show(self, number: int) -> str:
        """The command that shows an exchange."""
        return _command("plainwire", "show", self.case, str(number), *self.options)

    @property
    def all(self) -> str:
        """The command that tells everything."""
        return _command("plainwire", "analyze", self.case, "--all", *self.options)

    def look(self, condition: str) -> str:
        """The command that shows packets."""
        return f"{_command('wireshark', *self.wireshark, self.capture)} -Y '{condition}'"


class _Told(Struct):
    """What a verdict is made with, and what it has told already."""

    report: Report
    style: Style
    much: Much
    place: CasePaths | None
    zone: dt.tzinfo | None
    requests: dict[int, int] = field(default_factory=dict)
    """Exchanges that were listed, and the number of the finding that lists them."""

    def some(self, number: int) -> int | None:
        """How many of a list are shown."""
        return None if self.much == "all" else number


def verdict(
    report: Report,
    *,
    place: CasePaths | None = None,
    width: int = 80,
    color: bool = False,
    zone: dt.tzinfo | None = None,
    much: Much = "usual",
) -> str:
    """Return the verdict; ``place`` is for the commands to go on with, ``zone`` the reader's time zone."""
    told = _Told(report, Style.of(width, color=color), much, place, zone)
    lines = [*_answer(told), *([] if much == "brief" else _details(told)), *_rest(told)]
    return "\n".join(lines) + "\n"


def _answer(told: _Told) -> Iterator[str]:
    """The headline, and three lines for each finding."""
    report, style = told.report, told.style
    missing = shortfalls(report)
    tone = BAD if report.findings else "1" if missing or not report.exchanges else GOOD
    yield style.strong(headline(report, missing), tone)
    shown = told.some(_FINDINGS_SHOWN)
    for number, finding in enumerate(report.findings[:shown], start=1):
        yield from _short(number, finding, told)
    for finding in report.findings[shown:] if shown is not None else []:
        brief = summary(finding, report)
        yield from style.wrapped(f"{brief.line}. {brief.cause}", "   also ", "        ")


def _short(number: int, finding: Finding, told: _Told) -> Iterator[str]:
    brief, style = summary(finding, told.report), told.style
    first, *others = style.wrapped(brief.line, f"{number}. ", "   ")
    start = len(f"{number}. ")
    yield first[:start] + first[start:].replace(brief.code, style.strong(brief.code, NAME), 1)
    yield from others
    yield style.cut(f"   {brief.cause}")
    yield from _brief_fix(brief.fix, style) if brief.fix else ()


def _brief_fix(fix: str, style: Style) -> list[str]:
    """In two lines: as much of it as ends where a thought does, if any does there."""
    ends = [len(fix), *(match.start() for match in _THOUGHT.finditer(fix, _LEAST_FIX))]
    for end in sorted((end for end in ends if _is_thought(fix[:end])), reverse=True):
        lines = style.wrapped(f"Fix {fix[:end]}{' …' * (end < len(fix))}", "   ", "   ")
        if len(lines) <= _FIX_LINES:
            return lines
    first, second, *_ = style.wrapped(f"Fix {fix}", "   ", "   ")
    return [first, f"{second[: style.width - 2]} …"]


def _is_thought(text: str) -> bool:
    """Whether it ends in no parenthesis, and not with the first word of a sentence."""
    closed = all(text.count(opening) == text.count(closing) for opening, closing in ("()", "{}"))
    return closed and (text.endswith(".") or len(text.rpartition(". ")[2]) >= _LEAST_SENTENCE)


def _details(told: _Told) -> Iterator[str]:
    for number, finding in enumerate(told.report.findings[: told.some(_FINDINGS_SHOWN)], start=1):
        yield from ("", *_finding(number, finding, told))
    yield from _background(told)


def _background(told: _Told) -> Iterator[str]:
    """What the failures have in common, and what is known about their servers and the program."""
    report, style = told.report, told.style
    common = [printable(redact.line(contrast.claim)) for contrast in report.comparison]
    common += report.undecided if told.much == "all" else []
    if common and report.findings:
        yield from ("", style.strong("In common"), *style.listed(common))
    for facts in servers.concerned(report):
        yield from ("", style.strong(f"The server {facts.address}"), *style.listed(servers.sentences(facts)))


def _rest(told: _Told) -> Iterator[str]:
    """What the program said beside it, what could not be seen, and how to go on."""
    report, style = told.report, told.style
    missing, side, others = shortfalls(report), list(program_account.lines(report)), remarks(report)
    if side and told.much != "brief":
        yield from ("", style.strong("The program's side"), *style.listed(side))
    if missing:
        yield from ("", style.strong("Not seen"), *style.listed(missing))
    if others and told.much != "brief":
        yield from ("", style.strong("Also"), *style.listed(others))
    coverage = report.coverage
    if coverage.other_connections:
        yield from ("", f"{count(coverage.other_connections, 'connection')} of other programs left out.")
    if coverage.other_packets:
        yield from ("", f"{count(coverage.other_packets, 'packet')} of other programs left out of the case.")
    if report.findings and told.place is not None:
        yield from ("", *_next_steps(report.findings[0], told.place))


def describe(exchange: Exchange, limit: int = 60) -> str:
    """Return an exchange in one line, without secrets and safe to print: ``GET /object/17  unanswered``."""
    request, response = exchange.request, exchange.response
    asked = "(no request)"
    if request is not None:
        asked = printable(f"{request.method} {redact.target(request.target)}", limit)
    status = f"{response.status}, " if response is not None and response.status else ""
    packet = request.packet if request is not None else response.packet if response is not None else 0
    return f"{asked}  {status}{exchange.outcome}, packet {packet}"


def _finding(number: int, finding: Finding, told: _Told) -> Iterator[str]:
    style, brief = told.style, summary(finding, told.report)
    yield style.strong(style.cut(f"{number}. {brief.heading}"), NAME)
    yield from style.labelled("Cause", f"{brief.cause} {brief.facts}".strip())
    yield from _when(finding, told)
    yield from _exchanges(number, finding, told)
    yield from style.labelled("Test", program_account.named_tests(finding.tests))
    yield from style.labelled("Blame", f"{WHO[finding.fault]} {SURE[finding.certainty]}")
    yield from _evidence(finding, told)
    for quoted in finding.quotes:
        words = f'{quoted.what}: "{redact.quote(quoted.text)}" (packet {quoted.packet})'
        yield from style.labelled("Quote", words)
    yield from style.labelled("Program saw", finding.program_says)
    yield from _fix(finding, style)
    if finding.retry_safe is not None:
        yield from style.labelled("Retry", retry(finding))
    if finding.runner_up:
        yield from style.labelled("Ruled out", printable(finding.runner_up) + ".")


def _fix(finding: Finding, style: Style) -> Iterator[str]:
    label = "Fix"
    for side, advice in (("Client", finding.advice_client), ("Server", finding.advice_server)):
        if advice:
            yield from style.labelled(label, f"{side}: {_sentence(printable(advice))}")
            label = ""
        for setting in finding.settings:
            if setting.side == side.lower():
                yield from style.labelled(label, printable(setting.says))
                label = ""


def _when(finding: Finding, told: _Told) -> Iterator[str]:
    """When its requests began, or its connections: what to look for in a server's log."""
    wanted, ids = set(finding.exchanges), set(finding.connections)
    begun = [_begin(e) for e in told.report.exchanges if e.id in wanted]
    begun = [each for each in begun if each] or [
        c.opened_ns for c in told.report.connections if c.id in ids and c.opened_ns
    ]
    if begun:
        yield from told.style.labelled("When", when(min(begun), max(begun), told.zone))


def _begin(exchange: Exchange) -> int:
    message = exchange.request or exchange.response
    return message.time_ns if message is not None else 0


def _exchanges(number: int, finding: Finding, told: _Told) -> Iterator[str]:
    """Its requests; those that stand under another finding are only counted."""
    wanted = set(finding.exchanges)
    found = [exchange for exchange in told.report.exchanges if exchange.id in wanted]
    fresh = [exchange for exchange in found if exchange.id not in told.requests]
    indent = "    "
    shown = fresh[: told.some(_EXCHANGES_SHOWN)]
    for exchange in shown:
        asked = describe(exchange, max(_TARGET, told.style.width - _BESIDE_TARGET))
        yield told.style.cut(f"{indent}{exchange.id:>5}  {short(_begin(exchange))}  {asked}")
    if len(fresh) > len(shown):
        yield f"{indent}       and {len(fresh) - len(shown)} more"
    others = sorted({told.requests[e.id] for e in found if e.id in told.requests})
    if others:
        them = "the same requests as" if not fresh else f"and {len(found) - len(fresh)} of"
        yield f"{indent}       {them} {', '.join(map(str, others))}."
    told.requests |= {exchange.id: number for exchange in fresh}


def retry(finding: Finding) -> str:
    """Whether a retry is harmless, and useful."""
    if not finding.retry_safe:
        return "Not safe: the server may have carried them out, and the method is not idempotent."
    if finding.retry_useful is False:
        return "Harmless, but useless: it fails again until this is changed."
    return "Safe for these requests."


def _evidence(finding: Finding, told: _Told) -> Iterator[str]:
    shown, style = finding.evidence[: told.some(_EVIDENCE_SHOWN)], told.style
    if not shown:
        return
    packets = ",".join(str(number) for number in sorted({e.packet for e in shown}))
    condition = f"frame.number in {{{packets}}}"
    command = f"in Wireshark, with the display filter {condition}"
    if told.place is not None:
        command = told.place.look(condition)
    indent = " " * style.label
    yield style.strong("  Evidence".ljust(style.label)) + command  # in one line, to be copied
    for evidence in shown:
        label = f"{indent}{evidence.packet:>6}  "
        yield from style.wrapped(printable(evidence.says), label, " " * len(label))
    if len(finding.evidence) > len(shown):
        yield f"{indent}        and {len(finding.evidence) - len(shown)} more"


def _next_steps(first: Finding, place: CasePaths) -> Iterator[str]:
    shown = [place.show(first.exchanges[0])] if first.exchanges else []
    yield f"More: {'; '.join([*shown, f'plainwire explain {first.code}', place.all])}"


def _command(*words: str) -> str:
    return " ".join(shlex.quote(printable(word)) for word in words)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else text
