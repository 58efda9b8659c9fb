"""``plainwire analyze``: read capture files, whatever wrote them."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from plainwire.cli import completion, debug, output
from plainwire.cli.watching import Watch, size_of
from plainwire.model import UserError

if TYPE_CHECKING:
    from plainwire.model import Report
    from plainwire.progress import Progress
    from plainwire.report.terminal import CasePaths


_HELD: dict[str, Report] = {}
"""The report, until the process ends: taking it apart, object by object, is a tenth of an analysis."""


@click.command(
    "analyze",
    epilog="Example: plainwire analyze failing.pcapng --keys keys.log",
)
@click.argument("files", nargs=-1, metavar="FILE...", shell_complete=completion.cases)
@click.option("-r", "--read", "more", multiple=True, metavar="FILE", help="Another capture to read.")
@click.option(
    "-k", "--keys", multiple=True, metavar="FILE", help="Key log, in Wireshark's format. Repeatable."
)
@click.option(
    "--private-key",
    "private_keys",
    multiple=True,
    metavar="FILE",
    help="A server's RSA private key, for connections with RSA key exchange. Repeatable.",
)
@click.option(
    "--psk",
    "psks",
    multiple=True,
    metavar="HEX|@FILE",
    help="A pre-shared key of TLS 1.2, or a file that holds it. "
    "Other users of this machine can see arguments in the list of processes. Repeatable.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="CASE",
    help="Make a case folder of it: report, page, and the packets with their secrets.",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Have the workers of the Dask scheduler at ADDRESS read the files, which may be URLs with * in "
    "them, each by itself; tables go to the folder or URL -o (docs/scale.md). Needs plainwire[cluster].",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    help="Share the work among N processes: quicker for large captures of many connections.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@output.much_options
@output.color_option
@click.option("-v", "--verbose", is_flag=True, help="Print the table of exchanges too.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit status gives the result.")
def command(
    files: tuple[str, ...],
    more: tuple[str, ...],
    keys: tuple[str, ...],
    private_keys: tuple[str, ...],
    psks: tuple[str, ...],
    folder: str | None,
    cluster: str | None,
    color: output.Color,
    *,
    brief: bool,
    tell_all: bool,
    processes: int,
    as_json: bool,
    verbose: bool,
    quiet: bool,
) -> int:
    """Read capture files (pcap, pcapng, or compressed; - is standard input) and say what went wrong in them.

    Several files are read as one capture, in order of time. From a pipe (tcpdump -w - | plainwire analyze -)
    packets are read as they come; Ctrl-C ends the writer, and plainwire reads to the end of what it wrote.

    A folder is a case that plainwire run left: it is read together with what the program saw. Several cases,
    or the folder of a hunt, are compared with each other.

    With -o CASE the packets, their secrets and the report are kept in a new folder, as plainwire run leaves
    one, for show, export, share and Wireshark.

    On a terminal a long reading says how far it is. Ctrl-C ends it with the report of what was read.

    Secrets come from the files' own Decryption Secrets Blocks, from --keys, --private-key and --psk.

    Exit status: 0 nothing found, 1 findings, 2 unreadable input, 3 nothing found but too little could be
    seen to be sure, 4 a bug in plainwire (which may have cost a part of the report; the rest is right).
    """
    gc.disable()  # as the analysis does, here also for what is made of it
    from plainwire import pipeline  # noqa: PLC0415 - kept out of the start-up of other commands

    much = output.much(brief=brief, tell_all=tell_all)
    if not files + more:
        message = "name at least one capture file"
        raise click.UsageError(message)
    if cluster is not None:
        if folder is None or private_keys or psks or "-" in files + more:
            message = "--cluster needs -o, and reads files with --keys alone"
            raise click.UsageError(message)
        return _on_cluster(cluster, files + more, folder, keys, as_json=as_json, quiet=quiet)
    if "-" in files + more:
        _outlast_an_interrupt()
    folders = _folders(files + more, folder)
    from plainwire import case as cases  # noqa: PLC0415

    if len(folders) > 1 or any(cases.HuntFolder(folder).runs.exists() for folder in folders):
        if keys or private_keys or psks:
            message = "several cases are compared by their own secrets: give --keys and the like for one case"
            raise click.UsageError(message)
        return _compare(folders, as_json=as_json, quiet=quiet)
    read = _Read(files + more, folders, keys, private_keys, psks, processes)
    with Watch(shown=not quiet, stops=True) as progress:
        report = read.kept(Path(folder), progress) if folder is not None else read.report(progress)
    if as_json:
        from plainwire.report import json  # noqa: PLC0415

        sys.stdout.buffer.writelines(json.encoded(report))
        sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()
    elif not quiet:
        from plainwire.report import terminal  # noqa: PLC0415

        if verbose:
            from plainwire.report import table  # noqa: PLC0415

            click.echo(table.exchanges(report))
        looks = output.looks(sys.stdout, color, report)
        place = _place((folder,), ()) if folder is not None else _place(files + more, keys)
        text = terminal.verdict(report, place=place, much=much, **looks)
        click.echo(text, nl=False, color=looks["color"])
    debug.show(report)
    _HELD["report"] = report
    return pipeline.exit_code(report)


def _folders(files: tuple[str, ...], output: str | None) -> list[Path]:
    """The cases among the files; all are, or none."""
    folders = [Path(name) for name in files if Path(name).is_dir()]
    if folders and len(folders) < len(files):
        message = "folders of cases cannot be read together with capture files"
        raise click.UsageError(message)
    if folders and output is not None:
        message = "-o makes a case of capture files: these are cases already"
        raise click.UsageError(message)
    return folders


class _Read(NamedTuple):
    """What to read, and what opens it. ``cases``: folders among the files."""

    files: tuple[str, ...]
    cases: list[Path]
    keys: tuple[str, ...]
    private_keys: tuple[str, ...]
    psks: tuple[str, ...]
    processes: int

    def report(self, progress: Progress) -> Report:
        """Read the files, or the case."""
        private_keys, psks = self.private_keys, self.psks
        if self.cases:
            from plainwire import case, reading  # noqa: PLC0415 - as in the command

            found = case.Case(self.cases[0])
            return reading.analyze(found, self.keys, private_keys=private_keys, psks=psks, progress=progress)
        from plainwire import dividing  # noqa: PLC0415 - as above

        progress.step("reading", size_of(self.files))
        return dividing.analyze(
            self.files,
            self.keys,
            private_keys=private_keys,
            psks=psks,
            through=progress.through,
            processes=self.processes,
        )

    def kept(self, folder: Path, progress: Progress) -> Report:
        """Make a case of the files, with its report."""
        from plainwire import adopting, provenance, reading, stored  # noqa: PLC0415 - as in the command

        progress.step("reading", size_of(self.files))
        case, notes = adopting.adopt(self.files, self.keys, folder, progress)
        report = reading.analyze(case, private_keys=self.private_keys, psks=self.psks, progress=progress)
        report.coverage.notes += [note for note in notes if note not in report.coverage.notes]
        if self.private_keys or self.psks:
            again = "name them again to read it"
            report.coverage.notes.append(f"private and pre-shared keys are not in the case {folder}: {again}")
        progress.step("writing the report")
        try:
            stored.write(case, report, provenance.about(folder))
        except OSError as error:
            message = f"{folder}: the report could not be written: {error.strerror}"
            raise UserError(message) from error
        case.place.hand_over()
        case.close()
        return report


def _place(files: tuple[str, ...], keys: tuple[str, ...]) -> CasePaths | None:
    """What to name in commands: a case, or one capture file with its key log."""
    from plainwire.report.terminal import CasePaths  # noqa: PLC0415 - kept out of the start-up of other commands

    if len(files) > 1 or "-" in files:
        return None
    if Path(files[0]).is_dir():
        return CasePaths.of_case(files[0].rstrip("/") or "/")
    options = [word for key in keys for word in ("--keys", key)]
    preference = ("-o", f"tls.keylog_file:{keys[0]}") if keys else ()
    return CasePaths(files[0], files[0], tuple(options), preference)


def _on_cluster(
    address: str, files: tuple[str, ...], into: str, keys: tuple[str, ...], *, as_json: bool, quiet: bool
) -> int:
    """Have the workers of a cluster read the files."""
    from plainwire.cluster import scheduling, words  # noqa: PLC0415 - as in the command

    gc.enable()  # Dask's event loop makes cycles as long as it runs
    with Watch(shown=not quiet) as progress:
        found = scheduling.analyze(address, files, into, keys, progress)
    if as_json:
        import orjson  # noqa: PLC0415 - as above

        sys.stdout.buffer.write(orjson.dumps(found.as_dict()) + b"\n")
        sys.stdout.buffer.flush()
    elif not quiet:
        click.echo(words.text(found, into), nl=False)
    return found.exit_code


def _compare(folders: list[Path], *, as_json: bool, quiet: bool) -> int:
    """Compare the attempts of many cases."""
    from plainwire import hunting  # noqa: PLC0415 - kept out of the start-up of other commands
    from plainwire.hunting import words  # noqa: PLC0415

    hunt = hunting.compare(folders)
    found = hunting.conclude(hunt)
    if as_json:
        sys.stdout.buffer.write(words.encode(found, hunt.folder))
        sys.stdout.buffer.flush()
    elif not quiet:
        click.echo(words.text(found, hunt.folder, hunt.runs), nl=False)
    return hunting.exit_status(found)


def _outlast_an_interrupt() -> None:
    """Leave the first Ctrl-C to the program that writes to our standard input: we read on to the end."""

    def once(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, once)
