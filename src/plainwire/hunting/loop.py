"""The hunt itself: run after run, until it is known what is the matter or the limit is reached.

Signals are taken one by one, as in ``acquire.supervise``: Ctrl-C has reached the programs already and only
ends the hunt; runs that it cut short do not count. A second one is passed on as SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire import case as cases
from plainwire.model import Discreet, UserError

from . import aim, worker
from .runs import Run, encode
from .stopping_rule import StoppingRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .stopping_rule import End

FAIL_ON = ("exit", "hidden", "both")

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_LOOK_AGAIN = 0.5
_TROUBLE = 3
"""So many runs in a row that could not be recorded end the hunt."""


class Plan(Discreet, Struct, frozen=True):
    """What to hunt. ``fail_on``: words of ``FAIL_ON`` or codes of causes; any of them makes a run fail."""

    unshown = ("before",)

    command: Sequence[str]
    limit: int
    folder: Path | None = None
    jobs: int = 1
    until_failure: bool = False
    fail_on: Sequence[str] = ("both",)
    aim: bool = False
    interface: str = "any"
    capture_filter: str = ""
    before: Sequence[Run] = ()


class Hunt(Struct):
    """What came of it."""

    folder: Path
    runs: list[Run]
    end: End = "limit"
    interrupted: int = 0
    unrecorded: int = 0
    notes: list[str] = field(default_factory=list)


def fails(run: Run, fail_on: Sequence[str]) -> bool:
    """Whether a run counts as a failing one."""
    by_exit, by_wire = run.status != 0, run.hidden
    says = {"exit": by_exit, "hidden": by_wire, "both": by_exit or by_wire}
    return any(says.get(word, word in run.codes) for word in fail_on)


def hunt(plan: Plan, tell: Callable[[Hunt, int], None] = lambda _hunt, _running: None) -> Hunt:
    """Run the plan; ``tell`` hears of every run that has ended, with the number of those still running.

    Raises:
        UserError: a bad folder, no right to capture, no such command.

    """
    if plan.folder is None:
        made = cases.create_named(Path.cwd(), time.time(), "hunt")
    else:
        made = cases.create(plan.folder)
    folder = cases.HuntFolder(made.folder, made.place)
    folder.place.hand_over()
    _preload()
    chase = _Chase(plan, folder, tell)
    try:
        with _signals_held() as heard:
            return chase.run(heard)
    except UserError:
        if not chase.hunt.runs:
            with contextlib.suppress(OSError):
                folder.place.remove(folder.runs.name)
                folder.place.remove_itself()
        raise


def _preload() -> None:
    """Import once what every run needs."""
    from plainwire import hearing, pipeline  # noqa: F401, PLC0415
    from plainwire.diagnose.comparison import comparison  # noqa: F401, PLC0415
    from plainwire.report import html, json  # noqa: F401, PLC0415


@contextlib.contextmanager
def _signals_held() -> Iterator[frozenset[signal.Signals]]:
    """Block what would end us; what is ignored (nohup) stays so."""
    heard = frozenset(n for n in _ENDING if signal.getsignal(n) != signal.SIG_IGN)
    old = signal.pthread_sigmask(signal.SIG_BLOCK, heard | {signal.SIGCHLD})
    try:
        yield heard
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


class _Chase:
    """A hunt that is going on."""

    def __init__(self, plan: Plan, folder: cases.HuntFolder, tell: Callable[[Hunt, int], None]) -> None:
        self.plan, self.folder, self.tell = plan, folder, tell
        self.hunt = Hunt(folder.folder, [])
        self.rule = StoppingRule(plan.before)
        self._running: dict[int, worker.Started] = {}  # by pid
        self._aimed: set[int] = set()
        self._next = 1
        self._over: End | None = None
        self._asked_to_end = 0
        self._trouble = 0
        self._error: UserError | None = None

    def run(self, heard: frozenset[signal.Signals]) -> Hunt:
        """Go on until the end; every run that has begun is waited for."""
        while True:
            while (
                self._over is None and self._next <= self.plan.limit and len(self._running) < self.plan.jobs
            ):
                self._begin()
            if not self._running:
                break
            info = signal.sigtimedwait(heard | {signal.SIGCHLD}, _LOOK_AGAIN)
            if info is not None and info.si_signo in heard:
                self._interrupt(signal.Signals(info.si_signo), by_process=info.si_code <= 0)
            self._reap()
        if self._error is not None:
            raise self._error
        self.hunt.end = self._over or "limit"
        self.hunt.runs.sort(key=lambda run: run.number)
        with contextlib.suppress(OSError):
            self.folder.place.hand_over()
        return self.hunt

    def _begin(self) -> None:
        number, self._next = self._next, self._next + 1
        pauses = (
            aim.pauses([*self.plan.before, *self.hunt.runs], self.rule.triggers) if self.plan.aim else None
        )
        if pauses is not None:
            self._aimed.add(number)
        try:
            run = worker.start(
                self.folder,
                number,
                self.plan.command,
                interface=self.plan.interface,
                capture_filter=self.plan.capture_filter,
                pauses=pauses,
                alone=self.plan.jobs == 1,
            )
        except OSError as error:
            self._fail(UserError(f"{self.folder.folder}: {error.strerror}"))
            return
        self._running[run.pid] = run

    def _fail(self, error: UserError) -> None:
        self._error, self._over = self._error or error, "trouble"

    def _interrupt(self, number: signal.Signals, *, by_process: bool) -> None:
        """A signal of the terminal has reached everybody; one that a process sent has reached only us."""
        self._over, passed_on = "interrupted", number
        self._asked_to_end += 1
        if self._asked_to_end > 1:
            passed_on = signal.SIGTERM
        if by_process or self._asked_to_end > 1:
            for pid in self._running:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, passed_on)

    def _reap(self) -> None:
        for pid in list(self._running):
            ended, _ = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._ended(self._running.pop(pid))

    def _ended(self, started: worker.Started) -> None:
        run: Run | str | UserError
        try:
            run = worker.collect(started)
        except UserError as error:
            run = error
        if self._asked_to_end or not isinstance(run, Run):
            worker.discard(started)
        if self._asked_to_end:
            self.hunt.interrupted += 1
            return
        if isinstance(run, UserError):
            self._fail(run)
            return
        if isinstance(run, str):
            self._lost(f"run {started.number}: {run}")
            return
        self._trouble = 0
        self._keep(run, started)
        self.hunt.runs.append(run)
        if self._over is None:
            self._over = self._decide(run)
        self.tell(self.hunt, len(self._running))

    def _lost(self, why: str) -> None:
        """A run that could not be recorded."""
        self.hunt.unrecorded += 1
        self.hunt.notes.append(why)
        self._trouble += 1
        if self._trouble == _TROUBLE:
            self._over = self._over or "trouble"

    def _keep(self, run: Run, started: worker.Started) -> None:
        run.aimed = run.number in self._aimed
        run.failed = fails(run, self.plan.fail_on)
        if run.failed:
            run.case = started.case.folder.name
            started.case.close()
        else:
            worker.discard(started)
        place, name = self.folder.place, self.folder.runs.name
        if name not in place.made:
            place.make(name, os.O_RDWR | os.O_APPEND)
        os.write(place.made[name], encode(run))

    def _decide(self, run: Run) -> End | None:
        if run.failed and self.plan.until_failure:
            return "first failure"
        return self.rule.after(self.hunt.runs, run)
