"""A program's account in the making: what processes there were and what they said."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from plainwire.diagnose.testimony.matching import testify
from plainwire.diagnose.testimony.sayings import read_messages
from plainwire.diagnose.testimony.without_request import without_request as found
from plainwire.model import Process, ProgramConnection, ProgramEvents, SocketError, Words
from tests.diagnose.wire import CLIENT_END, EPOCH_NS, MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Finding, Lookup, Testimony

PID = 7
PYTHON = Process(PID, "python", "/usr/bin/python3.11", "python", "3.11.2")
PYTHON_3_13 = Process(PID, "python", "/usr/bin/python3.13", "python", "3.13.0")
PYTHON_2 = Process(PID, "python", "/usr/bin/python2.7", "python", "2.7.18")
NODE = Process(PID, "node", "/usr/bin/node", "node", "20.20.2")
JAVA = Process(PID, "java", "/usr/bin/java", "java", "17.0.9")
UNKNOWN = Process(PID, "client", "/opt/client")
OWNER = ProgramConnection(PID, PID, "client")


def judged(
    connections: Sequence[Connection], findings: Sequence[Finding], events: ProgramEvents
) -> Testimony:
    """What becomes of all that was said."""
    return testify(connections, findings, events, read_messages(events))


def without_request(
    connections: Sequence[Connection], lookups: Sequence[Lookup], events: ProgramEvents
) -> list[Finding]:
    """What only the words tell of."""
    return found(connections, lookups, events, read_messages(events))


def words(text: str, at: float, *, pid: int = PID, afterwards: bool = False) -> Words:
    return Words(EPOCH_NS + int(at * MS), pid, textwrap.dedent(text).lstrip("\n"), afterwards)


def account(*said: Words, process: Process = PYTHON, status: int | None = 1) -> ProgramEvents:
    return ProgramEvents(
        command=["client"], pid=PID, exit_status=status, processes={process.pid: process}, words=list(said)
    )


def error(number: int, at: float, call: str = "read") -> SocketError:
    return SocketError(EPOCH_NS + int(at * MS), PID, str(CLIENT_END), None, call, number)


REMOTE_DISCONNECTED = """
    Traceback (most recent call last):
      File "/srv/test.py", line 9, in <module>
        raise BadStatusLine("source code is not what happened")
    http.client.RemoteDisconnected: Remote end closed connection without response
"""
"""As CPython 3.11 prints it, but for its frames."""
