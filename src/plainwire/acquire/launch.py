"""Start a program with the interposer inside, otherwise as its user would have started it.

Same process group and terminal, same descriptors, same signal dispositions, same exit status. The program
does not depend on us: if plainwire is killed, it runs on.

``SSLKEYLOGFILE`` is set as well, for TLS libraries that honour it and that the interposer does not reach;
one that the user has set stays, and gets its lines. It is the one variable that can hurt: CPython writes
each line once more, and fails where it cannot open the file. So the interposer takes ours out of CPython's
environment (native/interposer/variable.h), and where there is no interposer it names a file that every
process of the program can open, with one exception: a program that an unprivileged user starts and that
becomes another user by a set-uid helper (``su``).
"""

from __future__ import annotations

import functools
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plainwire import environment, sudo
from plainwire.acquire import (
    events,
    go_calls,
    go_children,
    go_patch,
    go_words,
    interposer,
    kernel_sockets,
    output_file,
    proxies,
    runtime,
    unprivileged,
)
from plainwire.acquire.target import NOT_EXECUTABLE, NOT_FOUND, Target, find
from plainwire.acquire.via import ANYHOW, Via
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plainwire.acquire.board import Board
    from plainwire.acquire.kernel_sockets import KernelWitness
    from plainwire.acquire.stub import Asked
    from plainwire.case import Case
    from plainwire.model import ProgramEvents

_SHORT_WAITS, _SHORT_WAIT = 10, 0.02  # seconds
_LOOKS = 2
_TAKEN_WITHIN = 30.0
"""Seconds for reading a file of the user's, which may be large."""


class Program:
    """A started program. ``notes`` says, a line each, why secrets cannot be had.

    ``unwatched``: its sockets are not seen by the interposer; ``witnessed``: they all are by the kernel. Its
    events say so too, but it may have written them. ``confirmed``: the sockets that the kernel knows as its
    own, where it is not to be believed alone, since somebody else's traffic is at stake. ``sent``: the small
    datagrams that it sent, where the kernel told of them.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        case: Case,
        stage: interposer.Stage,
        notes: list[str],
        users_own: tuple[Path, int] | None,
        ring: go_patch.GoPatch | None,
        children: go_children.GoChildren | None,
        key_logs: Sequence[Path],
        spoken_from: dict[int, int],
        witness: KernelWitness | None,
    ) -> None:
        self.pid = process.pid
        self.notes = notes
        self.unwatched, self.witnessed = bool(notes) and not (ring is not None and ring.traced), False
        self.confirmed: set[tuple[str, str]] | None = None
        self.sent: list[kernel_sockets.Sent] | None = None
        self._witness = witness
        self._process, self._case, self._stage, self._users_own = process, case, stage, users_own
        self._journal = case.place.made[case.program.name]
        self._ring, self._children, self._key_logs = ring, children, key_logs
        self._spoken_from = spoken_from
        self._read_elsewhere = output_file.files()
        self._lost_by_children = 0
        self._ended = False

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the program's end; return its exit status, 128 + n where signal n ended it.

        Raises:
            TimeoutError: it still runs after ``timeout`` seconds.

        """
        try:
            return self._note_end(self._process.wait(timeout))
        except subprocess.TimeoutExpired:
            raise TimeoutError from None

    def poll(self) -> int | None:
        """The exit status as ``wait`` gives it, or None while the program runs."""
        status = self._process.poll()
        return None if status is None else self._note_end(status)

    @property
    def returned(self) -> int:
        """How the program ended, as ``Popen.returncode`` has it: below 0 by a signal."""
        return self._process.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the program; does nothing if it has ended."""
        self._process.send_signal(number)

    def tell_calls(self) -> None:
        """Where sockets are traced: have what Go programs told of theirs by now written to the trace."""
        if self._children is not None:
            self._children.drain()

    def finish(self) -> None:
        """Collect the lines that went elsewhere, and remove the stage.

        Elsewhere: into the sink, from processes that changed their user; into the user's own SSLKEYLOGFILE,
        from libraries that the interposer does not reach. To be called when the program has ended. Where
        other processes that it started still run, what they have loaded stays on the disk, and a note
        says so.
        """
        if self._stage.sink is not None:
            events.merge(self._stage.sink, 0, self._case)
        if self._users_own is not None:
            self._take_over(*self._users_own)
        for path in self._key_logs:
            self._take_over_given(path)
        passed_on = self._take_children()
        if self._memory is not None:
            lines, told, lost = self._memory.close(self._read_elsewhere)
            self._keep(lines, list(go_words.without(told, passed_on)), lost)
        self._note_words()
        seen = events.read(self._case.place.open(self._case.program.name))
        self._note_runtimes(seen)
        self._note_sockets(seen)
        self._remove_stage()

    def outlets(self) -> list[tuple[Path, int, bool]]:
        """Files other than the case's to which lines go while the program runs, where in them they begin, and
        whether the file is ours.
        """
        found = [] if self._stage.sink is None else [(self._stage.sink, 0, True)]
        return found + ([] if self._users_own is None else [(*self._users_own, False)])

    def take(self) -> list[bytes]:
        """Key log lines that a program which had to be patched has told since it was last asked; its events
        go where all do.
        """
        lines, told = ([], []) if self._memory is None else self._memory.take()
        children = go_children.Harvest() if self._children is None else self._children.take()
        for event in told + children.events:
            self._tell(event)
        self._lost_by_children += children.lost
        return lines + children.lines

    @property
    def lost(self) -> int:
        """How many secrets such a program had when there was no more room for them."""
        return self._lost_by_children + (0 if self._memory is None else self._memory.lost)

    @property
    def _memory(self) -> go_patch.GoMemory | None:
        return None if self._ring is None else self._ring.memory

    def let_go(self) -> None:
        """Remove the stage, without collecting anything: who records for weeks has taken all as it came."""
        if self._witness is not None:
            self._witness.stop()
        if self._memory is not None:
            self._memory.close(())
        if self._children is not None:
            self._children.finish(())
        self._remove_stage()

    def _remove_stage(self) -> None:
        if self._stage.folder is None:
            return
        users: list[int] = []
        unused = 0  # looks in a row: a process that is just being executed has no environment for a moment
        for _ in range(_SHORT_WAITS):  # children often end just behind their parent
            users = interposer.users_of(self._stage.folder)
            unused = 0 if users else unused + 1
            if unused == _LOOKS:
                break
            time.sleep(_SHORT_WAIT)
        if not users:
            self._stage.remove()
            return
        note = f"process {users[0]} still runs and uses {self._stage.folder}: remove it after its end"
        self.notes.append(note)
        self._tell({"event": "note", "text": note})

    def _take_children(self) -> set[str]:
        """What the program's own children in Go were told; and the lines that they wrote."""
        if self._children is None:
            return set()
        told = self._children.finish(self._read_elsewhere)
        self._keep(told.lines, told.events, told.lost)
        return go_words.lines(told.events)

    def _keep(self, lines: list[bytes], told: list[dict[str, Any]], lost: int) -> None:
        with os.fdopen(self._case.place.appender(self._case.keys.name), "wb") as keys:
            keys.writelines(lines)
        for event in told:
            self._tell(event)
        if lost:
            self._tell(
                {"event": "note", "text": f"{lost} secrets of the program were lost: there were too many"}
            )

    def _tell(self, event: dict[str, Any]) -> None:
        events.append(self._journal, event)

    def _take_over(self, source: Path, start: int) -> None:
        """With the caller's rights: where the file's name leads to by now, the program may have decided."""

        def merge() -> bytes:
            events.merge(source, start, self._case)
            return b""

        unprivileged.done(merge, within=_TAKEN_WITHIN, most=1)

    def _take_over_given(self, path: Path) -> None:
        with sudo.as_caller():
            there = path.is_file()
        if there:
            self._take_over(path, 0)
        else:
            self._tell({"event": "note", "text": f"{path}: no such key log"})

    def _note_words(self) -> None:
        for descriptor, start in self._spoken_from.items():
            said = unprivileged.done(
                functools.partial(output_file.since, start, descriptor),
                within=_TAKEN_WITHIN,
                most=output_file.MOST,
            )
            for event in output_file.events(said or b"", descriptor, self.pid):
                self._tell(event)

    def _note_sockets(self, seen: ProgramEvents) -> None:
        """Those that the interposer did not see, by the kernel's word, and why it reset which."""
        if self._witness is None:
            return
        resets = self._witness.resets()
        self.sent = self._witness.sent()
        told = self._witness.sockets()
        own = {*seen.by_sockets, *((each.local, each.peer) for each in told or ())}
        for reset in kernel_sockets.resets_of(resets, own):
            self._tell({"event": "reset", **reset.as_event()})
        if told is None:
            return
        self.witnessed = True
        self._tell({"event": "witnessed", "time": time.time()})
        user = sudo.caller()
        if user is not None:
            open_now = kernel_sockets.open_sockets(user.uid)
            self.confirmed = {(each.local, each.peer) for each in told} | open_now
        for each in told:
            if (each.local, each.peer) not in seen.by_sockets:
                self._tell({"event": "connect", **each.as_event()})

    def _note_runtimes(self, seen: ProgramEvents) -> None:
        """Nothing is asked where the interposer saw no process: its file is then the command's own."""
        for event in runtime.identify([p.executable for p in seen.processes.values() if p.executable]):
            self._tell(event)

    def _note_end(self, returncode: int) -> int:
        status = returncode if returncode >= 0 else 128 - returncode
        if not self._ended:
            self._ended = True
            self._tell({"event": "exit", "time": time.time(), "status": status})
        return status


def launch(
    command: Sequence[str],
    case: Case,
    as_written: Callable[[Sequence[str]], list[str]] = list,
    *,
    restore: bool = True,
    key_logs: Sequence[Path] = (),
    via: Via = ANYHOW,
    witnessed: bool = True,
    board: Board | None = None,
) -> Program:
    """Start ``command``, its key log lines going to ``case.keys`` and its events to ``case.program``.

    ``as_written`` makes of the command what stands in the events: secrets left out. ``restore``: the
    interposer goes into programs too that are started with an environment of their own (``env -i``).
    ``key_logs``: files that have lines of key logs by the program's end, besides its own. ``via``: how its
    secrets are to be had. ``witnessed``: the kernel is asked for its sockets, too, which it tells at the end.
    ``board``: where its lines may go first; somebody is to empty it meanwhile.

    Raises:
        UserError: the command cannot be started (exit code 127 or 126, as from a shell).

    """
    with sudo.as_caller():
        target = find(command)
    written = [case.keys.name, case.program.name]
    try:
        for name in written:
            case.place.make(name, os.O_RDWR | os.O_APPEND)
        traced = [case.sockets.name] if case.sockets.name in case.place.made else []
        case.place.hand_over(*written, *traced)
    except OSError as error:
        message = f"{case.folder}: {error.strerror}"
        raise UserError(message) from error
    users_own = _key_log_of_the_user()
    stage = interposer.stage(sink=os.geteuid() == 0)
    spoken_from = output_file.positions()
    words = as_written(
        command
    )  # before the start: a signal that comes until we wait would be passed on twice
    journal = case.place.made[case.program.name]
    outlets = go_calls.Outlets(case.place.made[traced[0]], journal) if traced else None
    children = go_children.begin(outlets) if via.allows("patch") else None
    asked = children.asked if children is not None else None
    sockets = outlets is not None and children is not None
    patch = go_patch.prepare(target, asked, sockets=sockets) if via.allows("patch") else None
    ring = patch if isinstance(patch, go_patch.GoPatch) else None
    witness = kernel_sockets.watch() if witnessed else None
    try:
        variables = _environment(environment.given(), case, stage, target, via, asked, restore=restore)
        if board is not None and "PLAINWIRE_KEYS" in variables:
            variables["PLAINWIRE_BOARD"] = board.path
        process = _start(target, variables, ring)
        if children is not None and ring is not None and ring.traced:
            children.trace(process.pid, ring.program, ring.shared)
    except BaseException:
        stage.remove()
        if witness is not None:
            witness.stop()
        if children is not None:
            children.finish(())
        raise
    started = {"event": "start", "time": time.time(), "command": words, "pid": process.pid}
    started["proxies"] = proxies.in_command(command) | proxies.named(variables)
    events.append(journal, started)
    reasons = _untouched(target, patch, sockets=bool(traced)), None if stage.preload else interposer.missing()
    notes = [note for note in reasons if note]
    made = Program(process, case, stage, notes, users_own, ring, children, key_logs, spoken_from, witness)
    for note in notes:
        events.append(journal, {"event": "note", "text": note, "unwatched": made.unwatched})
    return made


def _key_log_of_the_user() -> tuple[Path, int] | None:
    """The file that SSLKEYLOGFILE names already, and its size now: what comes behind is the program's."""
    name = os.environ.get("SSLKEYLOGFILE")
    if not name:
        return None
    path = Path(name).absolute()
    with sudo.as_caller():
        return path, path.stat().st_size if path.is_file() else 0


def _environment(
    inherited: Mapping[str, str],
    case: Case,
    stage: interposer.Stage,
    target: Target,
    via: Via,
    asked: Asked | None,
    *,
    restore: bool,
) -> dict[str, str]:
    user = sudo.caller()
    variables = dict(inherited) if user is None else user.environment(inherited)
    key_log = str(stage.sink or case.keys.absolute())
    users_own = "SSLKEYLOGFILE" in variables
    if via.allows("environment"):
        variables.setdefault("SSLKEYLOGFILE", key_log)
    if stage.preload is None or not (target.untouched is None or (target.hands_on and asked is not None)):
        return variables
    if via.secrets is not None:
        variables["PLAINWIRE_ONLY"] = via.secrets
    elif not users_own:
        variables["PLAINWIRE_SSLKEYLOG"] = key_log
    variables["LD_PRELOAD"] = interposer.preload_list(stage.preload, variables.get("LD_PRELOAD", ""))
    variables["PLAINWIRE_FILTERS"] = str(interposer.seccomp_filters())
    if asked is not None:
        variables["PLAINWIRE_FOLLOW"] = f"{asked.pid}/{asked.name.decode()}"
    if not restore:
        variables["PLAINWIRE_NO_RESTORE"] = "1"
    variables["PLAINWIRE_KEYS"] = str(case.keys.absolute())
    variables["PLAINWIRE_EVENTS"] = str(case.program.absolute())
    if case.sockets.name in case.place.made:
        variables["PLAINWIRE_TRACE"] = str(case.sockets.absolute())
    if stage.sink is not None:
        variables["PLAINWIRE_SINK"] = str(stage.sink)
    return variables


def _untouched(target: Target, patch: go_patch.GoPatch | str | None, *, sockets: bool) -> str | None:
    """Why the interposer is not in the program, and what is known of it all the same. ``sockets``: these are
    to be traced.
    """
    why = patch.why if isinstance(patch, go_patch.GoPatch) else patch
    if isinstance(patch, go_patch.GoPatch) and why is None and patch.traced:
        return None
    if isinstance(patch, go_patch.GoPatch) and why is None and sockets:
        return f"{target.argv[0]} is written in Go, and had no room to tell of its calls on sockets"
    if isinstance(patch, go_patch.GoPatch) and why is None:
        return f"{target.argv[0]} is written in Go, without the C library: its TLS is read all the same"
    return target.untouched and (f"{target.untouched}: {why}" if why else target.untouched)


def _start(
    target: Target, variables: dict[str, str], ring: go_patch.GoPatch | None
) -> subprocess.Popen[bytes]:
    """Descriptors that the user's shell gave us go on to the program; ours are all close-on-exec (PEP
    446).
    """
    if ring is None:
        return _started(target, variables)
    process = _started(target, variables, preexec_fn=ring.trace)
    ended = ring.patch(process.pid)
    if ended is not None:
        process.returncode = ended
    return process


def _started(
    target: Target, variables: dict[str, str], preexec_fn: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            target.argv,
            executable=target.program,
            env=variables,
            close_fds=False,
            **sudo.identity(),
            preexec_fn=preexec_fn,  # noqa: PLW1509 - what it calls is loaded, and takes no lock
        )
    except FileNotFoundError as error:
        message = f"{target.argv[0]}: {error.strerror}"
        raise UserError(message, NOT_FOUND) from error
    except OSError as error:
        message = f"{target.argv[0]}: {error.strerror}"
        raise UserError(message, NOT_EXECUTABLE) from error
