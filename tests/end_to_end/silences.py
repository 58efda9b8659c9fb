"""How long connections were idle, by the times of their packets as tshark has them: no clock's ideal."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

MICROSECONDS = 3e-6
"""What a capture's times are exact to, and the difference of two of them."""

NEAR, NEAR_SHARE = 0.02, 0.03
"""Seconds, or a share: closes of one timer lie so near their median where the machine lets them."""

SAME = 0.05
"""Seconds: two silences that differ by less must be taken for one limit, which a busy machine keeps worse."""

_FIELDS = (
    "tcp.stream",
    "frame.time_epoch",
    "tcp.srcport",
    "http.response.code",
    "http.request.method",
)


class IdleClose(NamedTuple):
    """Seconds from the last response to the server's close, and to the request that came all the same."""

    closed: float
    asked: float | None


class _Event(NamedTuple):
    """A response, a request, or else a close (close_notify or FIN)."""

    time: float
    by_server: bool
    response: bool
    request: bool


def idle_closes(capture: Path, port: int) -> list[IdleClose]:
    """Of each connection to the port that the server was the first to close, in silence after a response."""
    found = []
    for events in _events(capture, port).values():
        closed = next((n for n, event in enumerate(events) if not (event.response or event.request)), 0)
        if not closed or not events[closed].by_server or not events[closed - 1].response:
            continue
        since = events[closed - 1].time
        asked = next((event.time - since for event in events[closed:] if event.request), None)
        found.append(IdleClose(events[closed].time - since, asked))
    return found


def long_silences(capture: Path, port: int) -> list[float]:
    """Seconds, longer than one, between two segments in a row that came from the port with data or a FIN."""
    command = [
        tool("tshark"),
        "-r",
        str(capture),
        "-T",
        "fields",
        "-e",
        "tcp.stream",
        "-e",
        "frame.time_epoch",
    ]
    command += ["-Y", f"tcp.srcport == {port} && (tcp.len > 0 || tcp.flags.fin == 1)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found, last = [], dict[str, float]()
    for line in done.stdout.splitlines():
        stream, time = line.split("\t")
        if float(time) - last.get(stream, float(time)) > 1:
            found.append(float(time) - last[stream])
        last[stream] = float(time)
    return found


def are_of_one_timer(silences: list[float]) -> bool:
    """Whether they lie so near each other that they must be taken for one limit."""
    return max(silences) - min(silences) <= SAME


def unanswered_after(capture: Path, port: int) -> list[float]:
    """Seconds from a response to the request after it that got none and is the last of its connection."""
    found = []
    for events in _events(capture, port).values():
        messages = [event for event in events if event.response or event.request]
        if len(messages) > 1 and messages[-1].request and messages[-2].response:
            found.append(messages[-1].time - messages[-2].time)
    return found


def is_any_of(value: float, silences: list[float]) -> bool:
    """Whether a value of the report is one of those that were measured."""
    return any(abs(value - silence) <= MICROSECONDS for silence in silences)


def near_their_median(silences: list[float]) -> list[float]:
    """Those that one timer explains."""
    middle = sorted(silences)[(len(silences) - 1) // 2]
    return [value for value in silences if abs(value - middle) <= max(NEAR, NEAR_SHARE * middle)]


def _events(capture: Path, port: int) -> dict[str, list[_Event]]:
    """By connection; tshark shows a message at its last packet."""
    command = [tool("tshark"), "-r", str(capture), "-o", "tcp.reassemble_out_of_order:TRUE", "-T", "fields"]
    for name in _FIELDS:
        command += ["-e", name]
    command += ["-Y", f"tcp.port == {port} && (http || tls.alert_message || tcp.flags.fin == 1)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found: dict[str, list[_Event]] = defaultdict(list)
    for line in done.stdout.splitlines():
        stream, time, source, response, request = line.split("\t")
        found[stream].append(_Event(float(time), int(source) == port, bool(response), bool(request)))
    return found
