"""The user's own stop: what was under way when the program was stopped did not fail.

A program that a signal ended (Ctrl-C, ``timeout``, ``kill``) leaves its connections to the kernel, which
closes them. Seen from the wire that is a client that hung up; it is not a decision about the exchange. The
same holds of a process that the program had started, and that its parent, or anybody, stopped.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from plainwire.diagnose.traffic.given_up import given_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Exchange, ProgramEvents

_BY_SIGNAL = 128
"""What is added to the number of the signal that ended a program."""

_STOPS = {1: "SIGHUP", 2: "SIGINT (Ctrl-C)", 9: "SIGKILL", 15: "SIGTERM"}
_TIMED_OUT = 124
"""The exit status of ``timeout`` from coreutils, where it ended its command."""

_AT_THE_END_NS = 1_000_000_000
"""The kernel closes a process's connections when it is gone; others of its group may live a little longer,
and whoever waits for it is told a little later."""


def stopped_by(events: ProgramEvents) -> str:
    """What stopped the program, in words; "" where it ended by itself."""
    status = events.exit_status
    if status is None or not events.command:
        return ""
    if status == _TIMED_OUT and posixpath.basename(events.command[0]) == "timeout":
        return "timeout"
    return _STOPS.get(status - _BY_SIGNAL, "")


def stopped_child(events: ProgramEvents) -> str:
    """What stopped a process that the program had started, in words; "" where none was."""
    return next((_STOPS[each.signal] for each in events.killed if each.signal in _STOPS), "")


def mark_stopped(connections: Sequence[Connection], events: ProgramEvents) -> None:
    """Note at each exchange that was under way when the program was stopped that it was."""
    children = {each.pid: each.time_ns for each in events.killed if each.signal in _STOPS}
    program = events.ended_ns if stopped_by(events) else None
    if program is None and not children:
        return
    for connection in connections:
        ends = list(_ends(connection, program, children))
        for exchange in connection.exchanges if ends else ():
            if exchange.outcome == "aborted" and any(_ended_with(connection, exchange, at) for at in ends):
                exchange.stopped, exchange.outcome = True, "unseen"


def _ends(connection: Connection, program: int | None, children: dict[int, int]) -> Iterator[int]:
    """When the program was stopped, or the process of this connection."""
    if program is not None:
        yield program
    if connection.program is not None and connection.program.pid in children:
        yield children[connection.program.pid]


def _ended_with(connection: Connection, exchange: Exchange, ended: int) -> bool:
    one = given_up(connection, exchange)
    return one is not None and abs(one.ended_ns - ended) <= _AT_THE_END_NS
