"""``plainwire record``: the loop that everything passes through.

A thread writes packets into the ring, a process examines; all else is done here, one thing after the other,
a few times a second: the program's lines are taken, segments are cut and make room, triggers become cases.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import sudo
from plainwire.acquire import namespaces
from plainwire.acquire.patcher import Patcher
from plainwire.acquire.supervise import ProgramEnd
from plainwire.acquire.via import ANYHOW, Via
from plainwire.capture import live
from plainwire.folder import OpenFile
from plainwire.recorder import home as homes
from plainwire.recorder import ring as rings
from plainwire.recorder import shedding
from plainwire.recorder.control import Control, Question, Reply
from plainwire.recorder.examiner import Examine, Examiner, Save
from plainwire.recorder.health import Health, Teller, summary
from plainwire.recorder.jobs import Examined, Interest, Saved
from plainwire.recorder.metrics import MetricsServer
from plainwire.recorder.shedding import Shedding
from plainwire.recorder.sources import AttachedSource, HostSource, LaunchedSource
from plainwire.recorder.triggers import Triggers, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from plainwire.capture.live import PacketCapture
    from plainwire.recorder.home import Home
    from plainwire.recorder.ring import RingSegment
    from plainwire.recorder.sources import RecordedSource

_TICK = 0.2
"""Seconds between two looks at what has come."""
_SETTLE = 0.5
"""Seconds after its end until a segment is examined: packets and lines of its time may come later."""
_CHECK = 2.0
"""Seconds between two looks at sizes, drops and the like."""
_LONGEST_END = 300.0
"""Seconds for what is still to be examined and saved at the end."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TRIGGER = signal.SIGUSR1


class RecordingPlan(Struct, frozen=True):
    """What to do. Sizes are bytes, times seconds. Of ``command`` and ``pids`` one is given, or none: then the
    whole host is recorded.
    """

    folder: Path
    keep: int
    keep_cases: int
    longest: float
    """How long a segment is kept at most."""
    segment: float
    before: float
    behind: float
    rest: float
    patterns: tuple[str, ...] = ("any",)
    statuses: tuple[str, ...] = ()
    slower: float = 0.0
    on_exit: bool = True
    duration: float | None = None
    metrics: int | None = None
    command: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    children: bool = False
    restore: bool = True
    interface: str = live.ANY
    capture_filter: str = ""
    key_logs: tuple[Path, ...] = ()
    via: Via = ANYHOW


def record(plan: RecordingPlan, say: Callable[[str], None]) -> ProgramEnd:
    """Record until the program ends, the duration is over, or a signal ends it. What happens is told line by
    line to ``say``.

    Raises:
        UserError: it could not be begun.

    """
    home = homes.opened(plan.folder)
    try:
        is_program = bool(plan.command or plan.pids)
        confirmed = bool(plan.command) and sudo.caller() is not None
        wanted = Interest(is_program, confirmed, plan.statuses, plan.slower)
        patcher = Patcher() if plan.pids else None  # before there is a thread
        examiner = Examiner(home, wanted)
        try:
            with _signals() as signals:
                return _Recorder(plan, home, examiner, patcher, signals, say).run()
        finally:
            examiner.close()
            if patcher is not None:
                patcher.close()
    finally:
        home.close()


class _Signals(Struct):
    """Those that came, in order; ``descriptor`` is readable when one did."""

    came: deque[int]
    descriptor: int


@contextlib.contextmanager
def _signals() -> Iterator[_Signals]:
    """While the body runs, signals are noted. Handlers are not inherited by the program that is started."""
    reading, writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    came: deque[int] = deque()
    old = {n: signal.signal(n, lambda number, _: came.append(number)) for n in (*_ENDING, _TRIGGER)}
    woken = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield _Signals(came, reading.fileno())
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in old.items():
            signal.signal(number, handler)
        reading.close()
        writing.close()


class _Recorder:
    def __init__(
        self,
        plan: RecordingPlan,
        home: Home,
        examiner: Examiner,
        patcher: Patcher | None,
        signals: _Signals,
        say: Callable[[str], None],
    ) -> None:
        self._plan, self._home, self._examiner, self._signals, self._say = plan, home, examiner, signals, say
        self._ring = rings.SegmentRing(home.ring, plan.keep, plan.longest)
        self._triggers = Triggers(plan.patterns, plan.before, plan.behind, plan.rest)
        self._patcher = patcher
        self._health = Health(began=time.time(), cases_size=_size_of(home.cases.descriptor))
        self._teller = Teller()
        self._shedding = Shedding()
        self._until = time.monotonic() + (plan.duration or float("inf"))
        self._checked = 0.0
        self._cut_from: tuple[int, int | None] = (0, 0)
        self._window: Window | None = None  # of the case that is being made
        self._asked_to_end = 0

    def run(self) -> ProgramEnd:
        source, capture = self._begin()
        control = Control(self._home.place)
        metrics = None
        try:
            if self._plan.metrics is not None:
                metrics = MetricsServer(self._plan.metrics, lambda: self._health.metrics(self._findings()))
            self._say_begun(capture, metrics)
            ended = None
            while ended is None and not self._asked_to_end and time.monotonic() < self._until:
                self._wait(control)
                source.look(self._ring)
                self._take_signals(source)
                self._turn(control, capture, source)
                ended = source.ended()
                if capture.over:
                    self._say("the capture has ended by itself; what was recorded is kept")
                    break
            self._end(control, capture, source, ended)
        finally:
            control.close()
            if metrics is not None:
                metrics.close()
        self._say(summary(self._health, time.time()))
        return ended or ProgramEnd()

    # --- begin and end

    def _begin(self) -> tuple[RecordedSource, PacketCapture]:
        plan, inbox = self._plan, self._home.inbox()
        source: RecordedSource
        network: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        if self._patcher is not None:
            source = AttachedSource(plan.pids, inbox, self._patcher, plan.key_logs, children=plan.children)
            network = namespaces.network_of(source.pid)
        elif plan.command:
            source = LaunchedSource(plan.command, inbox, plan.key_logs, plan.via, restore=plan.restore)
        else:
            source = HostSource(plan.key_logs)
        with network:
            capture = live.start(
                self._ring.begin,
                interface=plan.interface,
                capture_filter=plan.capture_filter,
                only=plan.via.evidence,
            )
        try:
            name = self._ring.current.name(rings.PACKETS)
            source.begin(OpenFile(rings.opened(self._home.ring, name), name))
        except BaseException:
            capture.stop()
            raise
        return source, capture

    def _say_begun(self, capture: PacketCapture, metrics: MetricsServer | None) -> None:
        where = f"; metrics at {metrics.url}" if metrics is not None else ""
        kept = f"at most {self._plan.keep / 1e6:,.0f} MB of packets and {self._plan.keep_cases / 1e6:,.0f} MB"
        self._say(f"recording into {self._plan.folder} with {capture.how}: {kept} of cases{where}")

    def _end(
        self, control: Control, capture: PacketCapture, source: RecordedSource, ended: ProgramEnd | None
    ) -> None:
        source.stop()
        captured = capture.stop()
        source.look(self._ring)
        self._count(captured.packets, captured.dropped, source)
        self._ring.end(*self._since_cut())
        source.finish()
        now = time.time()
        if ended is not None and self._plan.on_exit:
            how = f"ended by signal {ended.signal}" if ended.signal else f"exit status {ended.status}"
            self._triggers.look_back(how, self._plan.before, now)
        for window in self._triggers.waiting:
            window.end = min(window.end, now)
        deadline = time.monotonic() + _LONGEST_END
        while (self._unexamined() or self._triggers.waiting or self._examiner.job) and (
            time.monotonic() < deadline
        ):
            self._work(control, time.time() + _SETTLE)
            self._wait(control)
            if self._signals.came.count(signal.SIGINT) + self._signals.came.count(signal.SIGTERM) > 1:
                self._say("ended at once: what was not examined yet stays in the ring")
                break
        self._check()

    # --- one turn

    def _wait(self, control: Control) -> None:
        poll = select.poll()
        for descriptor in (control.descriptor, self._examiner.descriptor, self._signals.descriptor):
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(_TICK * 1000):
            if descriptor == self._signals.descriptor:
                with contextlib.suppress(BlockingIOError):
                    os.read(descriptor, 1 << 12)

    def _take_signals(self, source: RecordedSource) -> None:
        while self._signals.came:
            number = self._signals.came.popleft()
            if number == _TRIGGER:
                self._triggers.ask("signal SIGUSR1", time.time())
            elif not source.send(number):
                self._asked_to_end += 1

    def _turn(self, control: Control, capture: PacketCapture, source: RecordedSource) -> None:
        now = time.time()
        while (asked := control.take()) is not None:
            self._answer(control, *asked)
        segment = self._ring.current
        due = now - segment.began >= self._plan.segment and not self._ring.is_empty
        if due or self._ring.full or self._triggers.wants_cut(segment, now):
            self._count(*capture.counted(), source)
            self._ring.cut(*self._since_cut())
            source.blank()
        self._shed(capture)
        if time.monotonic() - self._checked >= _CHECK:
            self._count(*capture.counted(), source)
            self._check()
        self._ring.evict(self._in_use())
        self._work(control, now)

    def _shed(self, capture: PacketCapture) -> None:
        """Take fewer connections where packets are lost, and more again where none are."""
        before = self._health.shed
        level = self._shedding.judge((capture.counted()[1] or 0) + self._ring.outrun, time.monotonic())
        if level != before and capture.shed(level):
            self._health.shed = level
            self._ring.note_shed(level)
            self._say(shedding.words(level))

    def _answer(self, control: Control, asker: int, question: Question) -> None:
        now = time.time()
        if question.since > 0:
            self._triggers.look_back(question.because or "snapshot", question.since, now, asker)
            return
        window = self._triggers.ask(question.because or "asked for", now)
        seconds = max(window.end - now, 0)
        control.answer(asker, Reply(says=f"the case is saved in {seconds:.0f} s, with what comes until then"))

    def _work(self, control: Control, now: float) -> None:
        """Take what was done, and give the examiner something to do."""
        if self._examiner.job is not None:
            done = self._examiner.take()
            if isinstance(done, Examined):
                self._note_examined(done)
            elif isinstance(done, Saved):
                self._note_saved(control, done)
        if self._examiner.job is not None:
            return
        window = self._triggers.due(self._ring.segments, now)
        if window is not None:
            self._save(control, window)
            return
        waiting = self._unexamined()
        if waiting and now - waiting[0].ended >= _SETTLE:
            segments = self._ring.segments
            at = segments.index(waiting[0])
            self._examiner.begin(Examine(segments[at - 1] if at else None, waiting[0]))

    def _save(self, control: Control, window: Window) -> None:
        self._window = window
        segments = window.of(self._ring.finished)
        room = self._plan.keep_cases - self._health.cases_size
        if sum(each.size for each in segments) > room:
            why = f"the cases have no more room ({self._plan.keep_cases / 1e6:,.0f} MB, --keep-cases)"
            self._note_saved(control, Saved(window.words, window.at, trouble=why))
            return
        self._examiner.begin(Save(segments, window.words, window.at))

    def _note_examined(self, done: Examined) -> None:
        segment = next((each for each in self._ring.segments if each.number == done.number), None)
        if segment is not None:
            self._ring.note_examined(segment, done.left_out)
        health = self._health
        health.analysis += done.seconds
        health.connections += done.connections
        health.undecrypted += done.undecrypted
        if done.trouble:
            health.failed += 1
            self._say(f"segment {done.number} could not be examined as a whole: {done.trouble}")
        for seen in self._triggers.take(done):
            at = time.strftime("%H:%M:%S", time.localtime(seen.at))
            self._say(f"{seen.code} at {at}")

    def _note_saved(self, control: Control, done: Saved) -> None:
        window, self._window = self._window, None
        health = self._health
        health.analysis += done.seconds
        health.cases_size += done.size
        folder = str(self._plan.folder / homes.CASES / done.name)
        if done.trouble:
            health.unsaved += 1
            self._say(f"no case of {done.because}: {done.trouble}")
        else:
            health.cases += 1
            self._say(f"saved {folder} ({done.because})")
        if window is not None and window.asker:
            told = Reply(error=done.trouble) if done.trouble else Reply(case=folder)
            control.answer(window.asker, told)

    # --- figures

    def _unexamined(self) -> list[RingSegment]:
        return [each for each in self._ring.finished if not each.examined]

    def _in_use(self) -> frozenset[int]:
        job = self._examiner.job
        if isinstance(job, Save):
            return frozenset(each.number for each in job.segments)
        if isinstance(job, Examine):
            return frozenset({job.segment.number, job.before.number if job.before else 0})
        return frozenset()

    def _count(self, packets: int, dropped: int | None, source: RecordedSource) -> None:
        self._health.packets, self._health.dropped = packets, dropped
        self._health.lost_secrets = source.lost

    def _since_cut(self) -> tuple[int, int | None]:
        """Packets and drops since it was last asked."""
        now = self._health.packets, self._health.dropped
        packets, dropped = self._cut_from
        self._cut_from = now
        lost = None if now[1] is None else now[1] - (dropped or 0)
        return now[0] - packets, lost

    def _check(self) -> None:
        self._checked = time.monotonic()
        health, waiting = self._health, self._unexamined()
        health.own = time.process_time()
        health.unwritten = self._ring.unwritten
        health.evicted_unexamined = self._ring.evicted_unexamined
        health.size = self._ring.size
        health.waiting = len(waiting)
        health.lag = max(time.time() - waiting[0].ended, 0.0) if waiting else 0.0
        for words in self._teller.words(health, time.time()):
            self._say(words)

    def _findings(self) -> dict[str, int]:
        return dict(self._triggers.counted)


def _size_of(folder: int) -> int:
    """Bytes of the files in the folders of a folder."""
    total = 0
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):  # no folder
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                total += rings.size_of(inner)
            finally:
                os.close(inner)
    return total
