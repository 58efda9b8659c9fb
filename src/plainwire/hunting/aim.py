"""``--aim``: what is known of the servers' limits, used to make the failure likely.

Most failures of kept connections need a certain pause before a request. How long the program pauses is its
own affair; from outside it can only be made to pause longer, by stopping it for a while (SIGSTOP). Its
connections go on meanwhile: the kernel answers for it, and the server's timer runs. What cannot be done so is
said, with what to change in the program instead.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import sudo
from plainwire.diagnose.comparison.features import number_phrase
from plainwire.model import UserError
from plainwire.plurals import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from plainwire.case import Case

    from .exposure import Trigger
    from .runs import Run

_MOST_PAUSES = 4
_LONGEST_NS = 120_000_000_000
"""No longer pause is tried: nobody would wait for it."""
_LOOK = 0.005  # seconds
_MOST_READ = 1 << 20  # bytes of the program's events
_PATIENCE = 60.0  # seconds until the program's first connection
_BETWEEN_NS = 1_000_000_000
"""At most so long from one stop to the next."""
_OPEN = 1.25
"""How far above the least pause that does harm to go, where no longest one is known."""
_RETRYING = {
    "boto3": "AWS_MAX_ATTEMPTS=1",
    "botocore": "AWS_MAX_ATTEMPTS=1",
    "aws-cli": "AWS_MAX_ATTEMPTS=1",
    "pip": "PIP_RETRIES=0",
    "uv": "UV_HTTP_RETRIES=0",
    "npm": "npm_config_fetch_retries=0",
    "cargo": "CARGO_NET_RETRY=0",
}
"""Clients that retry requests by themselves, and the variable that stops this."""


class AimTarget(Struct, frozen=True):
    """One server's idle timeout, from ``low_ns`` to ``high_ns``, and how often it was ``seen``."""

    address: str
    low_ns: int
    high_ns: int
    round_trip_ns: int
    seen: int

    @property
    def band(self) -> tuple[int, int]:
        """Pauses before a request that meet the server's close, in ns."""
        return max(0, self.low_ns - self.round_trip_ns), self.high_ns


def targets(runs: Iterable[Run]) -> list[AimTarget]:
    """The idle timeouts that the runs showed, those seen most often first."""
    found: dict[str, AimTarget] = {}
    for run in runs:
        for limits in run.servers:
            if limits.idle_timeout is None:
                continue
            low, high, seen = limits.idle_timeout
            trip = limits.round_trip_ns or 0
            old = found.get(limits.address)
            if old is not None:
                low, high, seen = min(low, old.low_ns), max(high, old.high_ns), seen + old.seen
                trip = max(trip, old.round_trip_ns)
            found[limits.address] = AimTarget(limits.address, low, high, trip, seen)
    return sorted(found.values(), key=lambda target: -target.seen)


class Pauses(Struct, frozen=True):
    """Stops of the program that let its connections idle from ``low_ns`` to ``high_ns``.

    ``between_ns``: at most so long until the first one, and from each to the next.
    """

    low_ns: int
    high_ns: int
    between_ns: int = _BETWEEN_NS

    def make(self, case: Case, number: int) -> None:
        """Stop the program of a running recording a few times, at moments that differ from run to run.

        To be called in a thread of its own; ends with the program. Which process to stop is known from its
        first connection.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are for the main thread
        chance = random.Random(number)  # noqa: S311 - no secret, and the same at every hunt
        pid = _first_to_connect(case, time.monotonic() + _PATIENCE)
        for _ in range(_MOST_PAUSES if pid is not None else 0):
            time.sleep(chance.uniform(0, self.between_ns) / 1e9)
            if not _stopped(pid, chance.uniform(self.low_ns, self.high_ns) / 1e9):
                return


def _first_to_connect(case: Case, deadline: float) -> int | None:
    while time.monotonic() < deadline:
        for line in _lines(case):
            if b'"tls"' in line or b'"connect"' in line:
                try:
                    return int(json.loads(line)["pid"])
                except (ValueError, KeyError):
                    continue
        time.sleep(_LOOK)
    return None


def _lines(case: Case) -> list[bytes]:
    try:
        with os.fdopen(case.place.open(case.program.name).reader(), "rb") as file:
            return file.read(_MOST_READ).splitlines()
    except (OSError, UserError):
        return []


def _stopped(pid: int | None, seconds: float) -> bool:
    """Stop a process for so long; False where it is gone, or none of the program's."""
    if pid is None:
        return False
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _is_the_programs(pid):
            return False
        signal.pidfd_send_signal(process, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            signal.pidfd_send_signal(process, signal.SIGCONT)
    except OSError:
        return False
    finally:
        os.close(process)
    return True


def _is_the_programs(pid: int) -> bool:
    """Whether a process descends from this one and is of the user for whom the program runs.

    The program itself wrote down its number, and may have written any.
    """
    user, ours = sudo.caller(), os.getpid()
    try:
        while pid > 1:
            status = dict(line.split(":\t", 1) for line in _status(pid))
            if user is not None and int(status["Uid"].split()[0]) != user.uid:
                return False
            pid = int(status["PPid"])
            if pid == ours:
                return True
    except (OSError, ValueError, KeyError):
        pass
    return False


def _status(pid: int) -> list[str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if line.startswith(("PPid:", "Uid:"))]


def pauses(runs: Sequence[Run], triggers: Sequence[Trigger] = ()) -> Pauses | None:
    """Return the stops that are likely to do harm: from what failing requests had in common, else from what
    the servers showed. None where nothing is known that a stop could bring about.
    """
    between_ns = min(_BETWEEN_NS, max((_busy_ns(run) for run in runs), default=_BETWEEN_NS) // 2)
    for trigger in triggers:
        if trigger.feature == "idle_before" and trigger.low is not None:
            high = trigger.low * _OPEN if trigger.high is None else trigger.high
            if high * 1e9 <= _LONGEST_NS:
                return Pauses(int(trigger.low * 1e9), int(high * 1e9), between_ns)
    for target in targets(runs):
        low_ns, high_ns = target.band
        if high_ns <= _LONGEST_NS:
            return Pauses(low_ns, high_ns, between_ns)
    return None


def _busy_ns(run: Run) -> int:
    """From the first request of a run to its last."""
    times = run.trials.times
    return max(times) - min(times) if times else 0


def advice(runs: Sequence[Run], triggers: Sequence[Trigger] = ()) -> Iterator[str]:
    """Yield what would make the failure likely, and what cannot be done from outside."""
    found = targets(runs)
    for trigger in triggers:
        phrase = number_phrase(trigger.feature, trigger.low, trigger.high)
        yield (
            f"Let the program do what the failing requests had in common: they {phrase}."
            + ("" if trigger.feature == "idle_before" else " Nothing from outside can make it do so.")
        )
    for target in found:
        low, high = (f"{ns / 1e9:.3f}" for ns in target.band)
        yield (
            f"{target.address} closes idle connections: "
            f"let the program wait {low} to {high} s between two requests on one connection, "
            "and the second request meets the close. "
            "--aim can only stop the program for that long at random moments; "
            "a sleep between the two requests works more reliably."
        )
    counts = sorted({(s.address, s.max_requests) for run in runs for s in run.servers if s.max_requests})
    for address, most in counts:
        yield (
            f"{address} closes connections after {count(most, 'request')}: "
            "let the program send that many on one connection. Nothing from outside can make it do so."
        )
    if not found and not counts and not triggers:
        yield (
            "No limit of a server was seen, so there is nothing to aim at. "
            "A server's idle timeout shows when the server closes an idle connection: "
            "let the program keep one open at its end."
        )
    knobs = {_RETRYING[agent] for run in runs for agent in run.agents if agent in _RETRYING}
    if knobs:
        yield (
            f"The client retries failed requests by itself. With {' and '.join(sorted(knobs))} "
            "in its environment it does not, and each failure on the wire reaches the program."
        )
