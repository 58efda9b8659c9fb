"""The conclusion of a hunt as text and as JSON: numbers and our own words, so nothing has to be hidden."""

from __future__ import annotations

import math
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from plainwire.diagnose.comparison.features import number_phrase
from plainwire.plurals import count
from plainwire.report import redact
from plainwire.report.escape import printable, printable_json
from plainwire.report.terminal import WHO

from . import aim
from .conclusion import exit_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from plainwire.model import Certainty

    from .conclusion import Conclusion, Fix, Mechanism
    from .exposure import Trial
    from .runs import Run

_ENDS = {
    "limit": "",
    "first failure": "; stopped at the first failure",
    "established": "; stopped, because more runs would hardly show more",
    "cured": "; stopped, because this many clean runs are enough",
    "not cured": "; stopped, because it failed again",
    "interrupted": "; interrupted",
    "trouble": "; stopped, because runs could not be recorded",
    "chosen": "",
}
_SURE: dict[Certainty, str] = {
    "proved": "Proved by packets; the report of the case cites them.",
    "likely": "Likely: the other explanations were checked and do not fit.",
    "possible": "Possible: the packets allow other explanations.",
}
_CASES_SHOWN = 5
_REQUESTS_NAMED = 3
_LABEL = 9
_CAREFUL = 0.05


def text(
    found: Conclusion, folder: Path, runs: Sequence[Run], *, width: int = 80, aimed: bool = False
) -> str:
    """Return the whole conclusion. ``aimed``: also what would make the failure likely."""
    width = max(40, width)
    lines = _wrapped(headline(found), width, "", "")
    for number, mechanism in enumerate(found.mechanisms, start=1):
        lines += ["", *_mechanism(number, mechanism, width)]
    for title, sentences in (
        ("In common", [*(printable(redact.line(c.claim)) for c in found.contrasts), *found.undecided]),
        ("Unexplained", _unexplained(found)),
        ("Ruled out", _ruled_out(found)),
        ("Once more", _again(found)),
        ("The fix", _fixed(found.fix)),
        ("To make it likely", aim.advice(runs, [e.trigger for e in found.triggers]) if aimed else ()),
        ("Not seen", _unseen(found)),
    ):
        told = list(sentences)
        if told:
            lines += ["", title]
        for sentence in told:
            lines += _wrapped(sentence, width, "  ", "    ")
    return "\n".join([*lines, *_look(found, folder)]) + "\n"


def headline(found: Conclusion) -> str:
    """Return the first line, which sums up the rest; never "no failures" where something was not seen."""
    end = _ENDS[found.end]
    if not found.runs:
        return f"plainwire: no run ended{end}."
    if found.end == "chosen":
        return f"plainwire: {count(found.runs, 'case')}, something failed in {found.failed} of them."
    if not found.failed:
        hidden = ", but not everything could be seen" if found.blind else ""
        return f"plainwire: {count(found.runs, 'run')}, none failed{hidden}{end}."
    low, high = found.rate
    share = f"{_percent(found.failed / found.runs)}; with 95 % confidence {_percent(low)} to {_percent(high)}"
    hidden = f", {found.hidden} of them without an error from the program" if found.hidden else ""
    return f"plainwire: {found.failed} of {count(found.runs, 'run')} failed ({share}){hidden}{end}."


def progress(found: Sequence[Run], limit: int, running: int) -> str:
    """Say where the hunt is, in one line."""
    failed = sum(run.failed for run in found)
    causes = sorted({code for run in found if run.failed for code in run.codes})
    named = f" ({', '.join(causes[:3])})" if causes else ""
    return f"{len(found)} of {count(limit, 'run')}, {failed} failed{named}, {running} running"


# --- parts ----------------------------------------------------------------------------------------------


def _mechanism(number: int, mechanism: Mechanism, width: int) -> Iterator[str]:
    told = mechanism.told
    noun = "request" if told.requests else "connection"
    runs = count(len(mechanism.runs), "run")
    yield f"{number}. {mechanism.code}: in {runs}, {count(mechanism.requests, noun)}"
    yield from _labelled("What", f"{printable(told.claim)} (run {mechanism.runs[0]})", width)
    if asked := _asked(mechanism):
        yield from _labelled("Asked", asked, width)
    yield from _labelled("Who", WHO[told.fault], width)
    yield from _labelled("Sure", _SURE[told.certainty], width)
    label = "Do"
    for side, advice in (("Client", told.advice_client), ("Server", told.advice_server)):
        if advice:
            yield from _labelled(label, f"{side}: {printable(advice)}", width)
            label = ""
    yield from _labelled("Exit", _exit(mechanism), width)


def _asked(mechanism: Mechanism) -> str:
    """Which requests it struck, where they are few."""
    asked = [printable(each, 100) for each in mechanism.asked]
    if not asked or len(asked) > _REQUESTS_NAMED:
        return ""
    if len(asked) == 1:
        whole = {1: "It was", 2: "Both were"}.get(mechanism.requests, f"All {mechanism.requests} were")
        return f"{whole} {asked[0]}."
    return f"Each was one of: {', '.join(asked)}."


def _exit(mechanism: Mechanism) -> str:
    """Whether the program failed in the runs that had the cause, and only in those."""
    (bad, badly), (good, well) = mechanism.ended_badly, mechanism.ended_well
    if not badly:
        return "The program always ended with status 0: it retries such requests, or ignores the failure."
    if not well:
        return "No run ended with status 0."
    said = (
        f"It was found in {bad} of {count(badly, 'run')} whose status was not 0, "
        f"and in {good} of {count(well, 'run')} whose status was 0"
    )
    if good and bad and mechanism.p > _CAREFUL:
        return f"{said}. This does not show that it makes the program fail."
    return f"{said}."


def _unexplained(found: Conclusion) -> Iterator[str]:
    if found.unexplained:
        yield (
            f"In {found.unexplained} of {count(found.failed, 'failing run')} "
            "nothing on the wire explains the exit status: "
            "the cause is in the program, or in what could not be seen."
        )


def _ruled_out(found: Conclusion) -> Iterator[str]:
    tried = found.tried
    if found.runs_below is not None:
        yield (
            f"With 95 % confidence, fewer than {_percent(found.runs_below)} of runs fail "
            f"(0 of {found.runs}). This does not rule out a rarer failure."
        )
    if found.requests_below is not None:
        yield (
            f"0 of {count(tried.requests, 'request')} on {count(tried.connections, 'connection')} "
            "failed on the wire: "
            f"with 95 % confidence, fewer than {_percent(found.requests_below)} do, "
            "unless requests fail together."
        )
    if found.failed or found.blind or not tried.requests:
        return
    if tried.reused:
        yield (
            f"{count(tried.reused, 'request', 'was')} sent on a reused connection, "
            f"up to {tried.most_requests} on one, "
            f"after up to {tried.longest_idle_ns / 1e9:.3f} s of idleness. "
            "Longer idle times and more requests on one connection were not tried."
        )
    else:
        yield "Each connection carried one request: failures of reused connections were not tried."


def _again(found: Conclusion) -> Iterator[str]:
    more = found.again
    if more is None:
        return
    if found.aimed:
        yield (
            f"In {count(found.aimed, 'run')} plainwire stopped the program now and then, "
            "so that its connections were idle: such runs fail more often than others, "
            "through pauses that the program may never make by itself."
        )
    yield (
        "To see it again with a probability of 95 %: "
        f"{_runs(more.if_rate_is_as_seen)} if the rate is as seen, "
        f"{_runs(more.predictive)} if the uncertainty of the rate counts, "
        f"{_runs(more.cautious)} at the lowest rate that fits the counts."
    )
    for each in found.triggers:
        phrase = number_phrase(each.trigger.feature, each.trigger.low, each.trigger.high)
        yield (
            f"Of requests that {phrase}, {each.failed} of {each.tried} failed: "
            f"{each.again} more of these, and not of any others, show it again with that probability."
        )
    if found.fix is None:
        yield (
            f"After a fix, {_runs(found.clean_runs_needed)} without failure show that it helped; "
            "fewer where failures need circumstances that plainwire can count: plainwire hunt --after FOLDER."
        )


def _fixed(fix: Fix | None) -> Iterator[str]:
    if fix is None:
        return
    (was, before), (now, after), weighed = fix.before, fix.after, fix.weighed
    counts = f"Before the fix {was} of {count(before, 'run')} failed, with the fix {now} of {after}."
    if fix.still and fix.copes:
        retried = f" {count(fix.retried, 'request', 'was')} sent again and answered." if fix.retried else ""
        yield (
            f"The program copes: {now} of {count(after, 'run')} ended with another status than 0, {was} of "
            f"{before} before. What was found then still happens ({', '.join(fix.still)}).{retried}"
        )
    elif fix.still:
        yield f"It is not fixed: {', '.join(fix.still)} was found again. {counts}"
        return
    yield (
        f"{counts} If nothing had changed, so few would fail with a probability of {_chance(weighed.p)}. "
        f"With 95 % confidence, fewer than {_percent(weighed.rate_below)} of runs fail now."
    )
    if weighed.bayes_factor is not None and math.isfinite(weighed.bayes_factor) and after:
        yield (
            f'"Fixed" explains the clean runs {weighed.bayes_factor:.3g} times better than "as before" does.'
        )
    if weighed.p > _CAREFUL and not now and weighed.runs_needed is not None:
        yield f"That is not enough: {count(weighed.runs_needed, 'clean run')} would show it."
    for each in fix.trials:
        yield from _trial(each)


def _trial(trial: Trial) -> Iterator[str]:
    trigger, (failed, exposed), (fails, tried) = trial.trigger, trial.before, trial.after
    phrase = number_phrase(trigger.feature, trigger.low, trigger.high)
    said = f"Of requests that {phrase}, {failed} of {exposed} failed before ({trigger.code})"
    if tried:
        yield (
            f"{said}, {fails} of {tried} now; by chance with a probability of {_chance(trial.p)}. "
            "Only these requests can show whether it is fixed."
        )
        return
    largest = "" if trial.largest is None else f" (the largest number now is {trial.largest:.4g})"
    yield (
        f"{said}; now no request did so{largest}. If the fix prevents such requests, that alone is the cure, "
        "however many runs there were; if not, the fix was not tried."
    )


def _unseen(found: Conclusion) -> Iterator[str]:
    if found.silent:
        yield f"In {count(found.silent, 'run')} no HTTP request could be seen."
    if found.blind > found.silent:
        yield f"In {count(found.blind - found.silent, 'run')} not everything on the wire could be seen."
    if found.unrecorded:
        yield f"{count(found.unrecorded, 'run')} could not be recorded."
    if found.interrupted:
        yield f"{count(found.interrupted, 'run', 'was')} cut short by a signal, and not counted."
    yield from (printable(note) for note in found.notes)


def _look(found: Conclusion, folder: Path) -> Iterator[str]:
    if not found.cases:
        return
    names = ", ".join(found.cases[:_CASES_SHOWN])
    more = len(found.cases) - _CASES_SHOWN
    yield ""
    inside = "" if folder == Path() else f" in {printable(str(folder))}"
    yield f"Cases{inside}: {names}{f' and {more} more' if more > 0 else ''}"
    first = shlex.quote(printable(str(folder / found.cases[0])))
    yield f"More: plainwire show {first}; the program's output is in its stdout.txt and stderr.txt"


# --- JSON -----------------------------------------------------------------------------------------------


def encode(found: Conclusion, folder: Path) -> bytes:
    """The conclusion as JSON: see docs/report.md."""
    values: dict[str, Any] = {
        "schema": 1,
        "folder": str(folder),
        "exit_code": exit_status(found),
        **msgspec.structs.asdict(found),
    }
    values["comparison"] = values.pop("contrasts")
    values["tried"] = msgspec.structs.asdict(found.tried)
    values["tried"]["longest_idle"] = values["tried"].pop("longest_idle_ns") / 1e9
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return printable_json(orjson.dumps(values, default=msgspec.to_builtins, option=options))


# --- numbers and lines ----------------------------------------------------------------------------------


def _wrapped(sentence: str, width: int, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        sentence, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False
    )


def _labelled(label: str, sentence: str, width: int) -> Iterable[str]:
    return _wrapped(sentence, width, f"  {label}".ljust(_LABEL), " " * _LABEL)


def _runs(number: int | None) -> str:
    return "no number of runs" if number is None else count(number, "run")


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share >= 0.1 else f"{share * 100:.2g} %"


def _chance(p: float) -> str:
    return f"{p:.2g}" if p >= 1e-6 else "less than one in a million"
