"""The command line: one file per subcommand, named in the list below."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import NoReturn

import click

from plainwire.cli import descriptors
from plainwire.model import UserError
from plainwire.plurals import alternatives

COMMANDS = {
    "run": "Run a program, decrypt its HTTPS traffic, and say who hung up.",
    "attach": "The same for programs that run already.",
    "hunt": "Run a program again and again until its failure is explained.",
    "record": "Record for weeks, and save the minutes around failures.",
    "trigger": "Have a running recorder save the minutes around now.",
    "snapshot": "Make a case of a recorder's last minutes.",
    "analyze": "Say what went wrong in capture files, whatever wrote them.",
    "show": "Show a case's exchanges as a table, or one exchange in full.",
    "export": "Write a case in another tool's form: HAR, OTLP, SARIF, curl.",
    "query": "Ask many cases in SQL: exchanges, connections, findings, signs.",
    "share": "Make a bundle for others to see, without your secrets in it.",
    "verify": "Check a bundle: its files, and the verdict from its packets.",
    "ui": "Show cases in a browser, also one that is being recorded.",
    "open": "Open a case in Wireshark, at the packet that decides.",
    "compare": "Compare two captures: two places, or what works and fails.",
    "explain": "Say what a finding means, what proves it, and how to fix it.",
    "inspect": "Show a program's TLS libraries, and how to get their secrets.",
    "mcp": "Serve coding agents, by the Model Context Protocol.",
    "completion": "Let a shell complete commands, codes, demos and cases.",
    "help": "Show the help of a command.",
    "demo": "Play a failing program and let plainwire find the cause.",
}
"""Each has its module ``plainwire.cli.NAME`` with a click command called ``command``."""

MISUSE, FAULT, INTERRUPTED, NO_READER = 2, 4, 130, 141
"""Exit statuses: bad usage, input or output; a bug in plainwire; Ctrl-C; nobody reads the pipe."""


def _show_traceback(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:  # noqa: FBT001 - click calls it so
    if asked:
        context.find_root().obj.append("debug")


_DEBUG = click.Option(
    ["--debug"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_traceback,
    help="Show the traceback of a bug in plainwire.",
)


def _show_version(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:  # noqa: FBT001 - as above
    if asked and not context.resilient_parsing:
        from plainwire.cli import available  # noqa: PLC0415 - only where it is asked for

        click.echo(available.text())
        context.exit()


class _Lazy(click.Group):
    """Imports a subcommand's module when that subcommand is asked for, so that start-up stays short."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """The list for ``--help``: what the commands import is not needed for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Behind -- stands a program to run, not a command."""
        if args[:1] == ["--"] and len(args) > 1:
            import shlex  # noqa: PLC0415 - only after a slip

            message = f"a command is missing; to run it: plainwire run {shlex.join(args)}"
            raise click.UsageError(message, ctx)
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            raise click.UsageError(_no_such_command(name), ctx)
        command: click.Command = importlib.import_module(f"plainwire.cli.{name}").command
        if _DEBUG not in command.params:
            command.params.append(_DEBUG)
        return command


def _no_such_command(name: str) -> str:
    """What may have been meant: a command that is spelled like it, or a program to run."""
    import difflib  # noqa: PLC0415 - only after a slip
    import shutil  # noqa: PLC0415 - as above

    near = difflib.get_close_matches(name, COMMANDS, n=2)
    if near:
        return f"no such command {name!r}; did you mean {alternatives(near)}?"
    if shutil.which(name) is not None:
        return f"no such command {name!r}; to run it: plainwire run -- {name}"
    return f"no such command {name!r}"


@click.command(cls=_Lazy, params=[_DEBUG], context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and what is available here.",
)
def plainwire() -> None:
    """Find out what really happened on an HTTPS connection, and who hung up.

    Example: plainwire run -- python test.py
    """


def main() -> NoReturn:
    """Run the command line. Whatever fails is one line and an exit status, which is never 1: that means
    findings.
    """
    descriptors.occupy()
    asked: list[str] = []
    try:
        result = plainwire(prog_name="plainwire", standalone_mode=False, obj=asked)
        sys.stdout.flush()
        status = result if isinstance(result, int) else 0
    except Exception as error:  # noqa: BLE001 - so that nobody meets a traceback, or its exit status 1
        line, status = _words(error)
        _say(line)
        if "debug" in asked:
            _say(_traceback(error))
    # Python would take a large report apart object by object first: a fifth of the time of an analysis; and
    # would try once more to write what could not be written.
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(status)


def _words(error: Exception) -> tuple[str, int]:
    """What to say of a failure, and the exit status."""
    words, status = "", MISUSE
    match error:
        case UserError():
            words, status = str(error), error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            return f"{error.format_message()}\n", MISUSE
        case click.ClickException():
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "plainwire"
            words = f"{error.format_message().rstrip('.')} (see {command} --help)"
        case click.exceptions.Abort():
            return "", INTERRUPTED
        case BrokenPipeError():
            return "", NO_READER
        case OSError():
            where = f"{error.filename}: " if error.filename is not None else ""
            words = f"{where}{error.strerror or type(error).__name__}"
        case _:
            own = "this is a bug in plainwire; please report it (--debug shows where it happened)"
            words, status = f"{type(error).__name__}: {own}", FAULT
    from plainwire.report.escape import printable  # noqa: PLC0415 - only where something failed

    return f"plainwire: {printable(words)}\n", status


def _traceback(error: Exception) -> str:
    import traceback  # noqa: PLC0415 - not needed by others

    from plainwire.report import redact  # noqa: PLC0415 - as above
    from plainwire.report.escape import printable  # noqa: PLC0415 - as above

    lines = "".join(traceback.format_exception(error)).splitlines()
    return "".join(f"{printable(redact.line(line))}\n" for line in lines)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
