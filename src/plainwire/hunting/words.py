"""The conclusion of a hunt as text and as JSON. Numbers and our own words: nothing of this needs hiding."""

from __future__ import annotations

import math
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from plainwire.diagnose.comparison.features import number_phrase
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
    "established": "; stopped, since more runs would hardly tell more",
    "cured": "; stopped, since so many clean runs are enough",
    "not cured": "; stopped, since it failed again",
    "interrupted": "; interrupted",
    "trouble": "; stopped, since runs could not be recorded",
    "chosen": "",
}
_SURE: dict[Certainty, str] = {
    "proved": "Proved by packets; the report of the case cites them.",
    "likely": "Likely: the other explanations were checked and do not fit.",
    "possible": "Possible: the packets allow other explanations.",
}
_CASES_SHOWN = 5
_LABEL = 9
_CAREFUL = 0.05


def text(
    found: Conclusion, folder: Path, runs: Sequence[Run], *, width: int = 80, aimed: bool = False
) -> str:
    """Return the whole answer, for somebody tired. ``aimed``: what would make the failure likely as well."""
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
    """Return the one line that says it all. Never "no failures" where something was not seen."""
    end = _ENDS[found.end]
    if not found.runs:
        return f"plainwire: not one run came to its end{end}."
    if found.end == "chosen":
        return f"plainwire: {_count(found.runs, 'case')}, something failed in {found.failed} of them."
    if not found.failed:
        hidden = ", but not everything could be seen" if found.blind else ""
        return f"plainwire: {_count(found.runs, 'run')}, none failed{hidden}{end}."
    low, high = found.rate
    share = f"{_percent(found.failed / found.runs)}; with 95 % confidence {_percent(low)} to {_percent(high)}"
    hidden = f", {found.hidden} of them without the program saying so" if found.hidden else ""
    return f"plainwire: {found.failed} of {_count(found.runs, 'run')} failed ({share}){hidden}{end}."


def progress(found: Sequence[Run], limit: int, running: int) -> str:
    """Say where the hunt is, in one line."""
    failed = sum(run.failed for run in found)
    causes = sorted({code for run in found if run.failed for code in run.codes})
    named = f" ({', '.join(causes[:3])})" if causes else ""
    return f"{len(found)} of {limit} runs, {failed} failed{named}, {running} running"


# --- parts ----------------------------------------------------------------------------------------------


def _mechanism(number: int, mechanism: Mechanism, width: int) -> Iterator[str]:
    told, count = mechanism.told, len(mechanism.runs)
    noun = "request" if told.requests else "connection"
    yield f"{number}. {mechanism.code}: in {_count(count, 'run')}, {_count(mechanism.requests, noun)}"
    yield from _labelled("What", f"{printable(told.claim)} (run {mechanism.runs[0]})", width)
    yield from _labelled("Who", WHO[told.fault], width)
    yield from _labelled("Sure", _SURE[told.certainty], width)
    label = "Do"
    for side, advice in (("Client", told.advice_client), ("Server", told.advice_server)):
        if advice:
            yield from _labelled(label, f"{side}: {printable(advice)}", width)
            label = ""
    yield from _labelled("Exit", _exit(mechanism), width)


def _exit(mechanism: Mechanism) -> str:
    """Whether the cause and the program's failing go together."""
    (bad, badly), (good, well) = mechanism.ended_badly, mechanism.ended_well
    if not badly:
        return "The program always ended with status 0: it repeats such requests, or passes over the failure."
    if not well:
        return "Every run ended with another status than 0."
    said = (
        f"It was found in {bad} of {_count(badly, 'run')} that ended with another status than 0, and in "
        f"{good} of {_count(well, 'run')} that ended with 0"
    )
    if good and bad and mechanism.p > _CAREFUL:
        return f"{said}: that it is what makes the program fail is not shown."
    return f"{said}."


def _unexplained(found: Conclusion) -> Iterator[str]:
    if found.unexplained:
        yield (
            f"In {found.unexplained} of {_count(found.failed, 'failing run')} nothing on the wire explains "
            "the exit status: their causes lie in the program, or in what could not be seen."
        )


def _ruled_out(found: Conclusion) -> Iterator[str]:
    tried = found.tried
    if found.runs_below is not None:
        yield (
            f"With 95 % confidence fewer than {_percent(found.runs_below)} of runs fail (0 of {found.runs}). "
            "A rarer failure is not ruled out."
        )
    if found.requests_below is not None:
        yield (
            f"0 of {_count(tried.requests, 'request')} on {_count(tried.connections, 'connection')} failed "
            f"on the wire: with 95 % confidence fewer than {_percent(found.requests_below)} do, if requests "
            "do not fail together."
        )
    if found.failed or found.blind or not tried.requests:
        return
    if tried.reused:
        yield (
            f"{_count(tried.reused, 'request')} came on kept connections, up to {tried.most_requests} on "
            f"one, after up to {tried.longest_idle_ns / 1e9:.3f} s of idleness. Longer idleness and more "
            "requests on one connection were not tried."
        )
    else:
        yield "Each connection carried one request: what befalls kept connections was not tried."


def _again(found: Conclusion) -> Iterator[str]:
    more = found.again
    if more is None:
        return
    if found.aimed:
        yield (
            f"In {_count(found.aimed, 'run')} plainwire stopped the program now and then, so that its "
            "connections idled: such runs fail more often than others, by pauses that the program may "
            "never make by itself."
        )
    yield (
        f"To see it again with a probability of 95 %: {_runs(more.if_rate_is_as_seen)} if the rate is as "
        f"seen, {_runs(more.predictive)} as far as it is known, {_runs(more.cautious)} at the lowest rate "
        "that the counts allow."
    )
    for each in found.triggers:
        phrase = number_phrase(each.trigger.feature, each.trigger.low, each.trigger.high)
        yield (
            f"Of requests that {phrase}, {each.failed} of {each.tried} failed: {each.again} more of these, "
            "not of any others, show it again with that probability."
        )
    if found.fix is None:
        yield (
            f"After a fix {_runs(found.clean_runs_needed)} without failure show that it helped; fewer where "
            "failures need circumstances that plainwire can count: plainwire hunt --after FOLDER."
        )


def _fixed(fix: Fix | None) -> Iterator[str]:
    if fix is None:
        return
    (was, before), (now, after), weighed = fix.before, fix.after, fix.weighed
    counts = f"Before it {was} of {_count(before, 'run')} failed, with it {now} of {after}."
    if fix.still:
        yield f"It is not cured: {', '.join(fix.still)} was found again. {counts}"
        return
    yield (
        f"{counts} Had nothing changed, so few would fail with a probability of {_chance(weighed.p)}. With "
        f"95 % confidence fewer than {_percent(weighed.rate_below)} of runs fail now."
    )
    if weighed.bayes_factor is not None and math.isfinite(weighed.bayes_factor) and after:
        yield (
            f'"Cured" explains the clean runs {weighed.bayes_factor:.3g} times better than "as before" does.'
        )
    if weighed.p > _CAREFUL and not now and weighed.runs_needed is not None:
        yield f"That is not enough: {_count(weighed.runs_needed, 'clean run')} would show it."
    for each in fix.trials:
        yield from _trial(each)


def _trial(trial: Trial) -> Iterator[str]:
    trigger, (failed, exposed), (fails, tried) = trial.trigger, trial.before, trial.after
    phrase = number_phrase(trigger.feature, trigger.low, trigger.high)
    said = f"Of requests that {phrase}, {failed} of {exposed} failed before ({trigger.code})"
    if tried:
        yield (
            f"{said}, {fails} of {tried} now; by chance with a probability of {_chance(trial.p)}. "
            "Only these can show whether it is cured."
        )
        return
    largest = "" if trial.largest is None else f" (the largest number now is {trial.largest:.4g})"
    yield (
        f"{said}; now no request did{largest}. If the fix keeps them from it, that is the cure by itself, "
        "whatever the number of runs; if not, the fix was not tried."
    )


def _unseen(found: Conclusion) -> Iterator[str]:
    if found.silent:
        yield f"In {_count(found.silent, 'run')} no HTTP request could be seen."
    if found.blind > found.silent:
        yield f"In {_count(found.blind - found.silent, 'run')} not everything on the wire could be seen."
    if found.unrecorded:
        yield f"{_count(found.unrecorded, 'run')} could not be recorded."
    if found.interrupted:
        yield f"{_count(found.interrupted, 'run')} cut short by a signal: not counted."
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
    yield f"More: plainwire show {first}; the program's words are in its stderr.txt"


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


# --- small change ---------------------------------------------------------------------------------------


def _wrapped(sentence: str, width: int, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        sentence, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False
    )


def _labelled(label: str, sentence: str, width: int) -> Iterable[str]:
    return _wrapped(sentence, width, f"  {label}".ljust(_LABEL), " " * _LABEL)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _runs(number: int | None) -> str:
    return "no number of runs" if number is None else _count(number, "run")


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share >= 0.1 else f"{share * 100:.2g} %"


def _chance(p: float) -> str:
    return f"{p:.2g}" if p >= 1e-6 else "less than one in a million"
