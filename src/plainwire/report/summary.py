"""The answer in three lines a finding: how often, who, how sure, is a retry safe, whose; the cause; the fix.

For the top of the verdict and for summaries of a job. Safe to print: words of ours, escaped names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.report import redact
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from plainwire.model import Fault, Finding, Report

BLAME: dict[Fault, str] = {
    "server": "the server",
    "client": "the client",
    "both": "nobody to blame",
    "path": "the path between",
    "unknown": "blame unknown",
}
_HEAD = re.compile(
    r"(?P<share>\d+ of \d+ \w+) to (?P<place>\S+): (?P<rest>.*)|At (?P<at>\S+): (?P<there>.*)", re.DOTALL
)
"""How claims of causes on the wire begin (``diagnose.findings``)."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_PROGRAMS = 2


class Summary(Struct, frozen=True):
    """``share`` is ``2 of 9 requests``, ``place`` their server; ``cause`` a sentence without its facts,
    which are the rest of the claim.

    ``fix`` is the first sentence of the advice to whoever can act best.
    """

    code: str
    share: str
    place: str
    blame: str
    certainty: str
    retry: str
    whose: str
    cause: str
    facts: str
    fix: str

    @property
    def heading(self) -> str:
        """Code, how many of how many, and where."""
        where = " to ".join(part for part in (self.share, self.place) if part)
        return f"{self.code}: {where}" if where else self.code

    @property
    def line(self) -> str:
        """All but cause and fix."""
        parts = (self.share, self.blame, self.certainty, self.retry, self.whose)
        return f"{self.code}: {', '.join(part for part in parts if part)}"


def summary(finding: Finding, report: Report) -> Summary:
    """What a finding says, in short."""
    share, place, cause, facts = _parted(finding.claim)
    return Summary(
        finding.code,
        share,
        place,
        BLAME[finding.fault],
        finding.certainty,
        _retry(finding),
        _whose(finding, report),
        cause,
        facts,
        _fix(finding),
    )


def _parted(claim: str) -> tuple[str, str, str, str]:
    """How many of how many, where, the cause, and the facts."""
    text = printable(claim)
    match = _HEAD.fullmatch(text)
    share, place, rest = "", "", text
    if match is not None:
        share, place = match["share"] or "", match["place"] or match["at"]
        rest = match["rest"] or match["there"] or ""
    cause, *facts = _SENTENCE.split(rest, maxsplit=1)
    return share, place, f"{cause[:1].upper()}{cause[1:]}", facts[0] if facts else ""


def _retry(finding: Finding) -> str:
    if finding.retry_safe is None:
        return ""
    if not finding.retry_safe:
        return "retry not safe"
    return "retry useless" if finding.retry_useful is False else "retry safe"


def _whose(finding: Finding, report: Report) -> str:
    """The programs whose connections it is about, and the tests that they were in."""
    ids = set(finding.connections)
    names = {c.program.command for c in report.connections if c.id in ids and c.program is not None}
    shown = [printable(redact.line(name), 40) for name in sorted(names)]
    more = f" and {len(shown) - _PROGRAMS} more" if len(shown) > _PROGRAMS else ""
    programs = f"by {', '.join(shown[:_PROGRAMS])}{more}" if shown else ""
    others = f" and {len(finding.tests) - 1} more" if len(finding.tests) > 1 else ""
    test = f"in {printable(redact.line(finding.tests[0]), 60)}{others}" if finding.tests else ""
    return " ".join(part for part in (programs, test) if part)


def _fix(finding: Finding) -> str:
    """``(client): Retry it.``: of the side that is to blame, or else of the one that can do something."""
    sides = [("client", finding.client_advice), ("server", finding.server_advice)]
    if finding.fault == "server":
        sides.reverse()
    useful = [(side, advice) for side, advice in sides if advice and not advice.startswith("Nothing to fix")]
    if not useful:
        return ""
    side, advice = useful[0]
    first = _SENTENCE.split(printable(advice), maxsplit=1)[0]
    return f"({side}): {first[:1].upper()}{first[1:]}"
