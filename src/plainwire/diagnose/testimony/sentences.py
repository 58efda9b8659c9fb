"""The sentences of a finding's ``program_says``. Numbers and words of ours only."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from plainwire.diagnose import wording

from .curl_statuses import told_by_status
from .exit_statuses import ending, status_of
from .wording import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Process, ProgramEvents, SocketError

    from .sayings import Said
    from .wire_facts import Fate

_RUNTIMES = {
    "python": "Python",
    "pypy": "PyPy",
    "node": "Node",
    "java": "Java",
    "ruby": "Ruby",
    "php": "PHP",
}
_MOST_LISTED = 4
_ENDED_WITH_NS = 100_000_000
"""A program that ends within this time of its failure ended with it."""
_RESETS = frozenset({Wire.RESET, Wire.RESET_INSIDE, Wire.HELLO_RESET, Wire.CUT_SENDING})
_RESETTING = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})


def listed(wire: Iterable[Wire]) -> str:
    """``a close``, ``a close or a reset``; at most four, in the order of ``Wire``. Several resets are one."""
    found, order = set(wire), list(Wire)
    resets = found & _RESETS
    names = [each.value for each in sorted(found if len(resets) == 1 else found - _RESETS, key=order.index)]
    if len(resets) > 1:
        names.append("a reset" if resets == _RESETS else "a reset at another moment")
    if len(names) > _MOST_LISTED:
        return ", ".join(names[:_MOST_LISTED]) + " and more"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def speaker(said: Said, process: Process | None) -> str:
    """``The program (http.client on Python 3.11.2)``."""
    runtime = _runtime(process)
    own = process is not None and said.client == process.runtime
    who = runtime if own or said.client in {"python", "the program", "a C program"} else said.client
    on = f" on {runtime}" if runtime and who != runtime else ""
    return f"The program ({who}{on})" if who else "The program"


def _runtime(process: Process | None) -> str:
    if process is None or process.runtime is None:
        return ""
    name = _RUNTIMES.get(process.runtime, process.runtime)
    version = process.version or ""
    return f"{name} {version}" if version.replace(".", "").isdigit() else name


def of_words(said: list[Said], fate: Fate, events: ProgramEvents) -> str:
    """What was said of one failure, what it means, and whether it can be told from its look-alikes."""
    best = min(said, key=lambda each: (not each.wire & fate.wire, len(each.wire)))
    process = events.processes.get(best.pid)
    when = "" if best.untimed else f" {_after(best.time_ns - fate.known_ns)} packet {fate.packet}"
    return " ".join([f"{speaker(best, process)} said {best.label}{when}.", _meaning(best, fate), *best.notes])


def _after(nanoseconds: int) -> str:
    return (
        f"{wording.span(nanoseconds)} after" if nanoseconds >= 0 else f"{wording.span(-nanoseconds)} before"
    )


def _meaning(said: Said, fate: Fate) -> str:
    shown = fate.wire & said.wire
    if not shown:
        return _contradiction(said, fate)
    alike = said.wire - fate.wire
    if shown <= said.blurred:
        return (
            f"It says so of {listed(said.wire - said.blurred)}, but the wire shows {listed(shown)}: "
            f"{said.why}. This version's words cannot tell the two apart; the packets can."
        )
    if not alike:
        return f"That is what the wire shows: {listed(shown)}."
    if alike <= said.blurred:
        return (
            f"The wire shows {listed(shown)}; this version says the same of {listed(alike)}: {said.why}. The "
            "packets tell the two apart."
        )
    return f"It says the same of {listed(alike)}; the wire shows {listed(shown)}."


def _contradiction(said: Said, fate: Fate) -> str:
    if fate.status is not None:
        return (
            f"The capture holds a whole response with status {fate.status} to this request: the program did "
            "not come to read it."
        )
    return (
        f"That means {listed(said.wire)}; the wire shows {listed(fate.wire)}. The two contradict each other: "
        "it may be about another failure, or the client words this one in a way that is not known here."
    )


def of_errors(errors: list[SocketError], fate: Fate) -> str:
    """What the kernel told the program of this connection's socket."""
    if not errors:
        return ""
    first = errors[0]
    name = errno.errorcode.get(first.error, f"errno {first.error}")
    call = "connect()" if first.call == "getsockopt" else f"{first.call}()"
    text = f"Its {call} failed with {name}, {_after(first.time_ns - fate.known_ns)} packet {fate.packet}."
    if fate.status is not None and first.error in _RESETTING:
        text += f" The capture holds a whole response with status {fate.status} to this request."
    return text


def of_closes(fate: Fate, events: ProgramEvents) -> str:
    """Where the client went first: whether the program closed the socket, or the kernel at its end."""
    if not fate.wire & {Wire.SILENCE, Wire.STALL}:
        return ""
    local = str(fate.connection.client)
    mine = [
        c
        for c in events.closes
        if c.local == local and fate.began_ns <= c.time_ns <= fate.known_ns + _ENDED_WITH_NS
    ]
    if mine:
        unread = f" with {mine[0].unread} bytes unread" if mine[0].unread else ""
        return f"It ended the connection itself, by {mine[0].call}(){unread}."
    ended = events.ended_ns is not None and abs(events.ended_ns - fate.known_ns) <= _ENDED_WITH_NS
    return "It did not close the connection: the kernel did at its end." if ended and events.closes else ""


def _pid(fate: Fate) -> int | None:
    program = fate.connection.program
    return None if program is None else program.pid


def exit_wire(events: ProgramEvents, fate: Fate) -> frozenset[Wire]:
    """What the wire may have done for the exit status of the process; empty where it has no such number."""
    end = ending(events, _pid(fate))
    return frozenset() if end is None else end.wire


def of_exit(events: ProgramEvents, fate: Fate) -> str:
    """What the exit status of the process says, where its kind of program has a number for it."""
    process, status = status_of(events, _pid(fate))
    if process is None:
        return ""
    known = ending(events, _pid(fate))
    if known is None or not known.wire & fate.wire:
        own = told_by_status(process, status)
        if own:
            return own
    if known is None:
        return ""
    wire = known.wire
    shown = fate.wire & wire
    stands = listed(wire) if len(wire) <= _MOST_LISTED or not shown else f"{listed(shown)} among other things"
    verdict = f"the wire shows {listed(fate.wire)}"
    if shown and (shown == wire or len(wire) > _MOST_LISTED):
        verdict = "that is what the wire shows"
    who = _runtime(process) or "The program"
    return f"{who} ended with {known.says}, which stands for {stands}; {verdict}."


def of_silence(count: int, spoken: int, fate: Fate, events: ProgramEvents) -> str:
    """How many of a finding's failures the program said nothing of that was seen."""
    program = fate.connection.program
    if program is None or program.pid not in events.processes or spoken == count:
        return ""
    if spoken:
        return f"It was seen to speak of {spoken} of these {count} failures."
    ended = "" if events.exit_status is None else f"; it ended with status {events.exit_status}"
    return f"Nothing about it was seen in its output{ended}."
