"""The user's own stop: what was under way then did not fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Coverage, Killed, ProgramConnection, ProgramEvents, Report
from plainwire.report.headline import headline
from plainwire.stopping import mark_stopped, stopped_by, stopped_child
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import CloseKind


def under_way(closed: float = 2000) -> Wire:
    wire = Wire()
    wire.ok(0)
    wire.ask(100, "/slow")
    wire.ack(SERVER, 180)
    wire.close(CLIENT, "fin", closed)
    wire.exchanges[-1].outcome = "aborted"
    return wire


def ended(status: int, *command: str, at: float = 2010) -> ProgramEvents:
    return ProgramEvents(
        command=list(command or ("python3", "get.py")), exit_status=status, ended_ns=EPOCH_NS + int(at * MS)
    )


@pytest.mark.parametrize(
    "events",
    [ended(130), ended(143), ended(137), ended(124, "/usr/bin/timeout", "2", "python3")],
    ids=["Ctrl-C", "SIGTERM", "SIGKILL", "timeout"],
)
def test_what_was_under_way_when_the_program_was_stopped_is_no_failure(events: ProgramEvents) -> None:
    connection = under_way().done()
    mark_stopped([connection], events)
    assert [(e.outcome, e.stopped) for e in connection.exchanges] == [("complete", False), ("unseen", True)]
    assert diagnose([connection]) == []
    report = Report(Coverage(), [connection], connection.exchanges, [], [])
    line = headline(report, [])
    assert line.endswith("1 more was under way when the program was stopped; nothing wrong.")
    assert "1 request on" in line


@pytest.mark.parametrize("first", ["fin", "rst"])
def test_a_reset_that_comes_of_the_stop_is_no_trouble(first: CloseKind) -> None:
    """What the server sends to a socket that is gone is answered with a reset."""
    wire = Wire()
    wire.ask(0, "/slow")
    wire.ack(SERVER, 80)
    wire.close(CLIENT, first, 2000)
    wire.close(SERVER, "close_notify", 2080)
    wire.close(CLIENT, "rst", 2081, bare=True)
    wire.exchanges[-1].outcome = "aborted"
    connection = wire.done()
    mark_stopped([connection], ended(143))
    assert diagnose([connection]) == []
    line = headline(Report(Coverage(), [connection], connection.exchanges, [], []), [])
    assert line == (
        "plainwire: 1 request was under way when the program was stopped; nothing else was asked."
    )


@pytest.mark.parametrize(
    "events",
    [ended(0), ended(1), ended(124), ended(139), ended(143, at=9000)],
    ids=["succeeded", "failed", "a program's own 124", "crashed", "stopped much later"],
)
def test_what_the_program_gave_up_by_itself_is_judged(events: ProgramEvents) -> None:
    connection = under_way().done()
    mark_stopped([connection], events)
    assert connection.exchanges[-1].outcome == "aborted"
    assert [finding.code for finding in diagnose([connection])] == ["client-abort"]


def test_a_program_that_still_runs_was_not_stopped() -> None:
    assert stopped_by(ProgramEvents(command=["python3"])) == ""


@pytest.mark.parametrize(
    ("killed", "stopped"),
    [
        (Killed(EPOCH_NS + 2010 * MS, 7, 15), True),
        (Killed(EPOCH_NS + 2010 * MS, 7, 11), False),
        (Killed(EPOCH_NS + 2010 * MS, 8, 15), False),
        (Killed(EPOCH_NS + 9000 * MS, 7, 9), False),
    ],
    ids=["its process was stopped", "it crashed", "another process", "it had hung up before"],
)
def test_what_a_stopped_child_had_under_way_is_no_failure(killed: Killed, *, stopped: bool) -> None:
    """A shell's ``timeout 2 curl``, a runner that ends its worker: the program itself ends well."""
    events = ended(0, "sh", "-c", "timeout 2 curl ...")
    events.killed = [killed]
    connection = under_way().done()
    connection.program = ProgramConnection(7, 7, "curl")
    mark_stopped([connection], events)
    assert connection.exchanges[-1].stopped is stopped
    assert stopped_child(events) == {15: "SIGTERM", 9: "SIGKILL"}.get(killed.signal, "")
