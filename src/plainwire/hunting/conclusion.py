"""What follows from the rows of a hunt: counts, causes, intervals, what more runs would show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.diagnose.statistics.exact import fisher_greater
from plainwire.diagnose.statistics.intervals import clopper_pearson, lower_bound, upper_bound
from plainwire.diagnose.statistics.prediction import (
    AfterFix,
    MoreRuns,
    after_fix,
    clean_runs_needed,
    rate_is_below,
    runs_to_see_again,
)

from . import exposure
from .stopping_rule import all_by_exit, compared, is_failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Contrast

    from .loop import Hunt
    from .runs import Run, RunFinding
    from .stopping_rule import End


class Mechanism(Struct):
    """One cause over all runs. ``told`` is its finding in the first run that failed with it.

    ``asked``: the requests that it struck, each once.

    ``ended_badly``: of the runs with an exit status other than 0, those in which it was found;
    ``ended_well``: of the others. ``p``: the probability that chance alone puts so many of its runs among the
    former (Fisher, one-sided).
    """

    code: str
    told: RunFinding
    runs: list[int]
    requests: int
    ended_badly: tuple[int, int]
    ended_well: tuple[int, int]
    p: float
    asked: list[str] = []


class Exposure(Struct):
    """What was tried in all runs, and has to have gone well where none failed."""

    runs: int
    connections: int
    requests: int
    reused: int
    longest_idle_ns: int
    most_requests: int


class Fix(Struct):
    """A fix, by runs (failed, of how many) and by attempts under the circumstances of the failure.

    ``codes``: the causes before it; ``still``: those of them that were found again. ``copes``: each run that
    failed before ended with another status than 0, so that runs are judged by that, and none does any more:
    the program copes with what still happens. ``retried``: requests that were answered when sent again.
    """

    before: tuple[int, int]
    after: tuple[int, int]
    weighed: AfterFix
    codes: list[str]
    still: list[str]
    trials: list[exposure.Trial]
    copes: bool = False
    retried: int = 0


class Conclusion(Struct):
    """The answer of a hunt. ``rate`` is the 95 % interval of the share of runs that fail.

    ``aimed``: runs in which the program was made to pause. ``blind``: runs of which not everything could be
    seen; ``silent``: those of them without any request.
    """

    end: End
    runs: int
    failed: int
    by_exit: int
    hidden: int
    unexplained: int
    blind: int
    silent: int
    aimed: int
    unrecorded: int
    interrupted: int
    rate: tuple[float, float]
    tried: Exposure
    mechanisms: list[Mechanism] = field(default_factory=list)
    contrasts: list[Contrast] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    again: MoreRuns | None = None
    triggers: list[exposure.Exposed] = field(default_factory=list)
    clean_runs_needed: int | None = None
    requests_below: float | None = None
    runs_below: float | None = None
    fix: Fix | None = None
    cases: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def conclude(hunt: Hunt, before: Sequence[Run] = ()) -> Conclusion:
    """Conclude from what was run; ``before``: from the runs before a fix as well."""
    runs = hunt.runs
    failed = [run for run in runs if run.failed]
    found = Conclusion(
        end=hunt.end,
        runs=len(runs),
        failed=len(failed),
        by_exit=sum(run.status != 0 for run in runs),
        hidden=sum(run.hidden for run in runs),
        unexplained=sum(not run.codes for run in failed),
        blind=sum(not run.whole for run in runs),
        silent=sum(not run.whole and not run.requests for run in runs),
        aimed=sum(run.aimed for run in runs),
        unrecorded=hunt.unrecorded,
        interrupted=hunt.interrupted,
        rate=_rate(len(failed), len(runs), stopped=hunt.end in ("first failure", "established", "not cured")),
        tried=_tried(runs),
        mechanisms=_mechanisms(runs),
        cases=[run.case for run in failed if run.case is not None],
        notes=[*hunt.notes[:5], *sorted({note for run in runs for note in run.notes})[:5]],
    )
    if found.mechanisms:
        comparison = compared(runs)
        found.contrasts, found.undecided = comparison.contrasts, comparison.undecided
        found.triggers = [exposure.exposed(t, runs) for t in exposure.triggers(found.contrasts)]
    if hunt.end == "chosen":
        return found
    if failed:
        found.again = runs_to_see_again(len(failed), len(runs))
        found.clean_runs_needed = clean_runs_needed(len(failed), len(runs))
    elif runs:
        found.runs_below = rate_is_below(len(runs))
    if runs and not found.mechanisms and found.tried.requests:
        found.requests_below = rate_is_below(found.tried.requests)
    if before:
        found.fix = _fix(before, runs)
    return found


def _rate(failed: int, runs: int, *, stopped: bool) -> tuple[float, float]:
    """The 95 % interval. Where a failure ended the hunt, chance chose the number of runs (Haldane 1945)."""
    if not stopped or not failed:
        return clopper_pearson(failed, runs) if runs else (0.0, 1.0)
    return lower_bound(failed, runs, 0.975), upper_bound(failed - 1, runs - 1, 0.975) if runs > 1 else 1.0


def _tried(runs: Sequence[Run]) -> Exposure:
    return Exposure(
        runs=len(runs),
        connections=sum(run.connections for run in runs),
        requests=sum(run.requests for run in runs),
        reused=sum(run.reused for run in runs),
        longest_idle_ns=max((run.longest_idle_ns for run in runs), default=0),
        most_requests=max((run.most_requests for run in runs), default=0),
    )


def _mechanisms(runs: Sequence[Run]) -> list[Mechanism]:
    """The causes, those of most runs first."""
    codes = dict.fromkeys(code for run in runs for code in run.codes)
    found = [_mechanism(code, runs) for code in codes]
    return sorted(found, key=lambda mechanism: -len(mechanism.runs))


def _mechanism(code: str, runs: Sequence[Run]) -> Mechanism:
    having = [run for run in runs if code in run.codes]
    told = next(
        f for run in sorted(having, key=lambda r: not r.failed) for f in run.findings if f.code == code
    )
    bad, badly = sum(run.status != 0 for run in having), sum(run.status != 0 for run in runs)
    good, well = len(having) - bad, len(runs) - badly
    return Mechanism(
        code=code,
        told=told,
        runs=[run.number for run in having],
        requests=sum(f.requests or f.connections or 1 for f in _of_cause(code, having)),
        ended_badly=(bad, badly),
        ended_well=(good, well),
        p=fisher_greater(bad, badly - bad, good, well - good),
        asked=list(
            dict.fromkeys(a for run in having for f in run.findings if f.code == code for a in f.asked)
        ),
    )


def _of_cause(code: str, runs: Sequence[Run]) -> list[RunFinding]:
    return [found for run in runs for found in run.findings if found.code == code]


def _fix(before: Sequence[Run], runs: Sequence[Run]) -> Fix:
    by_exit = all_by_exit(before)
    was, now = (sum(is_failed(run, by_exit=by_exit) for run in some) for some in (before, runs))
    codes = {code for run in before if run.failed for code in run.codes}
    return Fix(
        before=(was, len(before)),
        after=(now, len(runs)),
        weighed=after_fix(was, len(before), now, len(runs)),
        codes=sorted(codes),
        still=sorted(codes & {code for run in runs for code in run.codes}),
        trials=[exposure.weigh(t, before, runs) for t in exposure.triggers(compared(before).contrasts)],
        copes=by_exit and not now,
        retried=sum(f.requests // 2 for run in runs for f in run.findings if f.code == "hidden-retry"),
    )


def exit_status(found: Conclusion) -> int:
    """0 no run failed, 1 some did, 3 too little could be seen, or done, to say so."""
    if found.failed:
        return 1
    return 3 if found.blind or found.unrecorded or not found.runs else 0
