"""``plainwire show``: the exchanges of a case as a table, or one of them in full."""

from __future__ import annotations

import json as stdlib_json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plainwire.cli import completion, debug, output, source
from plainwire.model import UserError

if TYPE_CHECKING:
    from plainwire.model import Report


@click.command("show", epilog="Example: plainwire show plainwire-case 17")
@click.argument("case", type=click.Path(path_type=Path), shell_complete=completion.cases)
@click.argument("number", required=False, type=int)
@source.options
@click.option("--failed", is_flag=True, help="Only exchanges that failed.")
@click.option("--host", metavar="NAME", help="Only those with this host, or one below it.")
@click.option("--method", metavar="METHOD", help="Only those with this method.")
@click.option("--status", metavar="STATUS", help="Only those with this status: 503, 5xx.")
@click.option("--connection", type=int, metavar="N", help="Only those on connection N.")
@click.option("--since", metavar="TIME", help="Only those from this time of day (UTC) on: 13:37, 13:37:00.5.")
@click.option("--ladder", is_flag=True, help="Connection N (--connection) from top to bottom.")
@output.color_option
@click.option("--no-pager", is_flag=True, help="Never through a pager.")
@click.option("--body", is_flag=True, help="Show exchange NUMBER with its bodies.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in the form of report.json.")
def command(
    case: Path,
    number: int | None,
    keys: tuple[str, ...],
    private_keys: tuple[str, ...],
    psks: tuple[str, ...],
    host: str | None,
    method: str | None,
    status: str | None,
    connection: int | None,
    since: str | None,
    color: output.Color,
    *,
    ladder: bool,
    no_pager: bool,
    failed: bool,
    body: bool,
    as_json: bool,
) -> None:
    """Show the exchanges of CASE as a table, or exchange NUMBER in full.

    CASE is the folder that plainwire run left, or a capture file. Values of headers and parameters that
    carry passwords, tokens or cookies are not shown.
    """
    if body and (number is None or as_json):
        message = "--body needs the NUMBER of an exchange, and shows it as text"
        raise click.UsageError(message)
    if ladder and (connection is None or as_json):
        message = "--ladder needs --connection N, and shows it as text"
        raise click.UsageError(message)
    from plainwire.report.choice import Choice  # noqa: PLC0415 - kept out of the start-up of other commands

    try:
        choice = Choice.of(failed, host, method, status, connection, since)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    as_asked = bool(keys or private_keys or psks or body)
    kept = _kept(case, number) if number is not None and not as_asked else None
    if kept is not None and as_json:
        _print(kept[1])
        return
    report = _readback(*kept) if kept else source.analyze(case, keys, private_keys, psks, keep_bodies=body)
    debug.show(report)
    if number is not None and all(e.id != number for e in report.exchanges):
        message = f"{case}: no exchange {number}; it has {len(report.exchanges)}"
        raise UserError(message)
    if number is None:
        report.exchanges = choice.among(report)
        if not report.exchanges:
            click.echo(f"plainwire: {case}: no exchanges to show", err=True)
    if as_json:
        _print_json(report, number)
        return
    colored = output.is_colored(sys.stdout, color)
    text = _ladder(report, connection, case, color=colored) if ladder else ""
    text = text or _text(report, number, body=body, color=colored)
    if no_pager:
        click.echo(text, color=colored)
    else:
        output.paged(text, sys.stdout, color=colored)


_Kept = tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]


def _kept(case: Path, number: int) -> _Kept | None:
    """What the case's own report has of an exchange, which is at hand at once."""
    from plainwire import stored  # noqa: PLC0415 - as above
    from plainwire.case import Case  # noqa: PLC0415 - as above

    return stored.items(Case(case), number) if case.is_dir() else None


def _readback(connection: dict[str, Any], exchange: dict[str, Any], findings: list[dict[str, Any]]) -> Report:
    from plainwire.report import readback  # noqa: PLC0415 - as above

    return readback.report(connection, exchange, findings)


def _text(report: Report, number: int | None, *, body: bool, color: bool) -> str:
    """On a terminal as wide as that is; elsewhere a line is a line."""
    from plainwire.report import table  # noqa: PLC0415 - kept out of the start-up of other commands

    width = output.width(sys.stdout) if sys.stdout.isatty() else None
    if number is None:
        return table.exchanges(report, width=width, color=color)
    return table.exchange(report, number, body=body, width=width) or ""


def _ladder(report: Report, number: int | None, case: Path, *, color: bool) -> str:
    from plainwire.report import ladder  # noqa: PLC0415 - as above
    from plainwire.report.style import Style  # noqa: PLC0415 - as above

    for connection in report.connections:
        if connection.id == number:
            return ladder.ladder(connection, Style(color=color))
    message = f"{case}: no connection {number}; it has {len(report.connections)}"
    raise UserError(message)


def _print_json(report: Report, number: int | None) -> None:
    from plainwire.report import json  # noqa: PLC0415

    whole: dict[str, Any] = stdlib_json.loads(json.encode(report))
    chosen: Any = whole["exchanges"]
    if number is not None:
        chosen = next(exchange for exchange in chosen if exchange["id"] == number)
    _print(chosen)


def _print(chosen: Any) -> None:  # noqa: ANN401 - any JSON
    sys.stdout.write(stdlib_json.dumps(chosen, indent=2, ensure_ascii=True) + "\n")
