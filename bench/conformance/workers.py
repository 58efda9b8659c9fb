"""One process for each capture, with a limit of CPU time and of memory: a hostile capture stops no run."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import resource
import signal
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

Task = TypeVar("Task")
Answer = TypeVar("Answer")
_PATIENCE = 10
"""So many times the limit of CPU time may pass on a busy machine before a process counts as stuck."""
_FORK = multiprocessing.get_context("fork")  # what has been imported is there at once


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Task, Answer]):
    """What became of one task: an ``answer``, or ``error``, a traceback or the limit that was reached."""

    task: Task
    answer: Answer | None
    error: str | None
    seconds: float


@dataclass(slots=True)
class _Running(Generic[Task]):
    task: Task
    process: ForkProcess
    started: float


def run(
    work: Callable[[Task], Answer], tasks: Iterable[Task], *, jobs: int, seconds: float, megabytes: int
) -> Iterator[Outcome[Task, Answer]]:
    """Do ``work`` on each task in its own process, ``jobs`` at a time; outcomes in the order they come."""
    waiting = iter(tasks)
    running: dict[Connection, _Running[Task]] = {}
    try:
        while True:
            for task in waiting:
                pipe, one = _start(work, task, seconds, megabytes)
                running[pipe] = one
                if len(running) >= jobs:
                    break
            if not running:
                return
            ready = wait(list(running), timeout=0.5)
            now = time.monotonic()
            for pipe, one in list(running.items()):
                if pipe in ready or now - one.started > _PATIENCE * seconds:
                    del running[pipe]
                    yield _finish(pipe, one, seconds, ready=pipe in ready)
    finally:
        for one in running.values():
            one.process.kill()


def _start(
    work: Callable[[Task], Answer], task: Task, seconds: float, megabytes: int
) -> tuple[Connection, _Running[Task]]:
    receiving, sending = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_child, args=(work, task, seconds, megabytes, sending), daemon=True)
    started = time.monotonic()
    process.start()
    sending.close()
    return receiving, _Running(task, process, started)


def _child(
    work: Callable[[Task], Answer], task: Task, seconds: float, megabytes: int, pipe: Connection
) -> None:
    limit = megabytes << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 1))
    answer, error = None, None
    started = time.process_time()
    try:
        answer = work(task)
    except BaseException:  # noqa: BLE001 - whatever it is belongs in the table
        error = traceback.format_exc()
    pipe.send((answer, error, time.process_time() - started))


def _finish(pipe: Connection, one: _Running[Task], limit: float, *, ready: bool) -> Outcome[Task, Answer]:
    answer: Answer | None = None
    error: str | None = f"stuck for {_PATIENCE * limit:.0f} s"
    seconds = time.monotonic() - one.started
    received = False
    if ready:
        with contextlib.suppress(EOFError):
            answer, error, seconds = pipe.recv()
            received = True
    if not ready:
        one.process.kill()
    one.process.join()
    if ready and not received:
        took_long = one.process.exitcode == -signal.SIGXCPU
        error = f"longer than {limit:.0f} s of CPU time" if took_long else "the process died"
    pipe.close()
    return Outcome(one.task, answer, error, seconds)
