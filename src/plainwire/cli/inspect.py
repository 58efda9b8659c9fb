"""``plainwire inspect``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import orjson

from plainwire.acquire import inspection
from plainwire.capture import live
from plainwire.model import UserError
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from plainwire.acquire.inspection import Inspection, TlsLibrary

_WAYS = {
    "preload": "plainwire run gets every secret, through its interposer",
    "SSLKEYLOGFILE": "plainwire run sets SSLKEYLOGFILE, which this library writes to",
    "patch": "plainwire run gets every secret, by a patch in the program's memory",
    "agent": "plainwire run gets every secret, from inside the Java virtual machine",
    "not yet": "plainwire cannot get its secrets yet",
}


@click.command("inspect", context_settings={"allow_interspersed_args": False})
@click.option("--pid", type=click.IntRange(min=1), help="A running process, instead of a command.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[CMD [ARG]...]")
def command(pid: int | None, *, as_json: bool, command: tuple[str, ...]) -> None:
    """Show which TLS libraries a program loads, how to get their secrets, and what is missing.

    CMD is not run; a Python interpreter is asked about its ssl module.

    Example: plainwire inspect --pid 4711
    """
    if (pid is None) == (not command):
        message = "name a command, or a process with --pid"
        raise UserError(message)
    found = inspection.with_callers_rights(
        lambda: inspection.of_command(command) if pid is None else inspection.of_process(pid)
    )
    found.missing += _missing_to_capture()
    if as_json:
        click.echo(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n".join(_lines(found)))


def _missing_to_capture() -> list[str]:
    """The surest way to know whether we may capture is to do it."""
    with tempfile.TemporaryDirectory(prefix="plainwire-") as folder:
        try:
            live.start(Path(folder) / "trial.pcapng").stop()
        except UserError as error:
            return [str(error)]
    return []


def _lines(found: Inspection) -> list[str]:
    libraries = [line for library in found.libraries for line in _about(library)]
    return [
        printable(found.subject),
        *libraries,
        *(f"  note: {printable(note)}" for note in found.notes),
        *(f"  missing: {printable(line)}" for line in found.missing),
    ]


def _about(library: TlsLibrary) -> list[str]:
    version = f" {library.version}" if library.version else ""
    name = f"a TLS library linked in{version}" if library.name == "linked in" else f"{library.name}{version}"
    loaded = f", loaded {library.loaded}" if library.loaded else ""
    why = f": {library.why}" if library.why else ""
    return [f"  {name}: {_WAYS[library.method]}{why}", f"    {printable(library.path)}{loaded}"]
