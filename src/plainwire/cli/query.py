"""``plainwire query``: many cases, asked in SQL."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plainwire.report.escape import printable, printable_json

if TYPE_CHECKING:
    from plainwire.querying import Tables

_WIDEST = 60
"""Characters of a value that a table shows."""
_JSON, _CSV = "json", "csv"


@click.command(
    "query",
    epilog="Example: plainwire query 'SELECT status, count(*) FROM exchanges GROUP BY status' cases/",
)
@click.argument("sql")
@click.argument(
    "sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="CASE..."
)
@click.option("--json", "form", flag_value=_JSON, help="One JSON object a line.")
@click.option("--csv", "form", flag_value=_CSV, help="Comma-separated values, with a line of names.")
def command(sql: str, sources: tuple[Path, ...], form: str | None) -> None:
    """Ask the cases in SQL, as tables: exchanges, connections, findings, signs (docs/tables.md).

    CASE is a case folder, a folder that holds some (also of hunts), a capture file, or a folder of Parquet
    that plainwire export --parquet wrote. Each row has its case's name in the column "source".

    Reports are read as they were written; what is hidden in them is hidden here. Needs DuckDB: pip install
    'plainwire[query]'.
    """
    from plainwire.querying import Tables  # noqa: PLC0415 - kept out of the start-up of other commands

    with Tables() as tables:
        for source in sources:
            _add(tables, source)
        names, rows = tables.select(sql)
    if form == _JSON:
        _print_json(names, rows)
    elif form == _CSV:
        _print_csv(names, rows)
    else:
        _print_table(names, rows)


def _add(tables: Tables, source: Path) -> None:
    from plainwire import querying  # noqa: PLC0415 - as above

    if not source.is_dir():
        import orjson  # noqa: PLC0415 - as above

        from plainwire import pipeline  # noqa: PLC0415 - as above
        from plainwire.report import json  # noqa: PLC0415 - as above

        tables.add(orjson.loads(json.encode(pipeline.analyze([source]))), str(source))
    elif querying.is_parquet(source):
        tables.add_parquet(source)
    else:
        for case in querying.cases_in(source):
            tables.add(querying.report_of(case), str(case))


def _print_json(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    import orjson  # noqa: PLC0415 - as above

    for row in rows:
        line = orjson.dumps(dict(zip(names, row, strict=True)), default=str, option=orjson.OPT_NON_STR_KEYS)
        sys.stdout.buffer.write(printable_json(line) + b"\n")
    sys.stdout.buffer.flush()


def _print_csv(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if value is None else printable(str(value)) for value in row] for row in rows])
    click.echo(text.getvalue(), nl=False)


def _print_table(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    shown = [[_shown(value) for value in row] for row in rows]
    table = [[printable(name, _WIDEST) for name in names], *shown]
    widths = [max(len(row[column]) for row in table) for column in range(len(names))]
    right = [all(isinstance(row[c], int | float | None) for row in rows) for c in range(len(names))]
    for row in table:
        cells = (
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, right, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return printable(", ".join(str(each) for each in value), _WIDEST)
    return printable(str(value), _WIDEST)
