"""What the program itself said, and how often its requests were sent, for all forms of the report.

What the program wrote is shown with what may be secrets hidden, and escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainwire.plurals import count
from plainwire.report import redact
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Attempts, Report, Saying, Testimony

_SHOWN = 5
_LONGEST = 300


def quoted(saying: Saying) -> str:
    """What the program said, safe to show."""
    return printable(redact.line(saying.text), _LONGEST)


def named_tests(names: Sequence[str]) -> str:
    """The tests in which something failed, safe to show."""
    shown = [printable(redact.line(name), _LONGEST) for name in names[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def lines(report: Report) -> Iterator[str]:
    """What else a reader should know about the program's side; nothing where all is well."""
    if report.attempts is not None:
        yield from _of_attempts(report.attempts)
    if report.testimony is None:
        return
    yield from report.testimony.remarks
    unexplained = [
        saying
        for saying in report.testimony.sayings
        if saying.exchange is None and saying.code is None and not saying.weak
    ]
    for saying in unexplained[:_SHOWN]:
        where = f" in the test {named_tests([saying.test])}" if saying.test else ""
        yield f"process {saying.pid} said{where}: {quoted(saying)}"
    if len(unexplained) > _SHOWN:
        yield f"and {len(unexplained) - _SHOWN} more of these"


def _of_attempts(attempts: Attempts) -> Iterator[str]:
    if not attempts.repeated:
        return
    yield f"{attempts.failed} of {count(attempts.sent, 'attempt')} failed ({attempts.rate:.1%})."
    yield (
        f"{count(attempts.repeated, 'attempt')} came after a failure of the same request; "
        f"{count(attempts.hidden, 'failure', 'was')} made good by that."
    )
    yield (
        f"The program made {count(attempts.asked, 'request')}, "
        f"and may have seen {attempts.seen_rate:.1%} of them fail."
    )
    if attempts.perhaps_twice:
        unsafe = count(attempts.perhaps_twice, "request")
        yield f"{unsafe} may have been carried out twice, though not safe to retry."
    if attempts.backoff:
        yield f"The pauses before retries: {attempts.backoff}."


def encode_attempts(attempts: Attempts | None) -> dict[str, Any] | None:
    """For the JSON report."""
    if attempts is None:
        return None
    return {
        "sent": attempts.sent,
        "failed": attempts.failed,
        "asked": attempts.asked,
        "repeated": attempts.repeated,
        "hidden": attempts.hidden,
        "perhaps_twice": attempts.perhaps_twice,
        "rate": round(attempts.rate, 6),
        "seen_rate": round(attempts.seen_rate, 6),
        "backoff": attempts.backoff,
    }


def encode(testimony: Testimony | None) -> dict[str, Any] | None:
    """For the JSON report."""
    if testimony is None:
        return None
    return {
        "command": testimony.command[0] if testimony.command else None,  # arguments may be secrets
        "exit_status": testimony.exit_status,
        "processes": [
            {
                "pid": process.pid,
                "command": process.command,
                "executable": process.executable,
                "runtime": process.runtime,
                "version": process.version,
                "exit_status": process.exit_status,
            }
            for process in testimony.processes
        ],
        "socket_errors": testimony.errors,
        "said": [
            {
                "time": None if saying.untimed else saying.time_ns / 1e9,
                "pid": saying.pid,
                "client": saying.client,
                "label": saying.label,
                "text": redact.line(saying.text),
                "exchange": saying.exchange,
                "connection": saying.connection,
                "code": saying.code,
                "why": saying.why or None,
                "lines": saying.lines,
                "test": redact.line(saying.test) or None,
            }
            for saying in testimony.sayings
        ],
        "lines": testimony.lines,
        "remarks": testimony.remarks,
    }
