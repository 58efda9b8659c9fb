"""Many cases as tables of one database: DuckDB, which the extra ``query`` brings.

Rows go into a file a table, which DuckDB reads; both are gone at the end. A query reads what was named and
nothing else: neither files nor the network.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from plainwire.case import Case
from plainwire.export.tables import TABLES, rows
from plainwire.folder import output, output_folder
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import BinaryIO, Self

    Json = dict[str, Any]

_DEEPEST = 3
"""How far below a folder that is named cases are looked for: a folder of hunts, a hunt, its runs."""


class Tables:
    """The tables of ``export.tables``, filled with ``add`` and asked with ``select``. A context."""

    def __init__(self) -> None:
        self._database = _duckdb().connect()
        self._made = tempfile.TemporaryDirectory(prefix="plainwire-query-")
        self._files: dict[str, BinaryIO] = {
            name: (Path(self._made.name) / f"{name}.json").open("wb") for name in TABLES
        }
        self._parquet: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        self._database.close()
        self._made.cleanup()

    def add(self, report: Json, source: str) -> None:
        """Take a report: its JSON, read."""
        for table, line in rows(report, source):
            self._files[table].write(line)

    def add_parquet(self, folder: Path) -> None:
        """Take what ``write_parquet``, or a cluster, left in a folder."""
        self._parquet.append(folder)

    def _load(self) -> None:
        for name, columns in TABLES.items():
            self._files[name].close()
            declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            self._database.execute(f"CREATE TABLE {name} ({declared})")
            told = {c: "BIGINT" if kind == "TIMESTAMP" else kind for c, kind in columns.items()}
            read = ", ".join(f"'{column}': '{kind}'" for column, kind in told.items())
            values = ", ".join(
                f'make_timestamp("{column}")' if kind == "TIMESTAMP" else f'"{column}"'
                for column, kind in columns.items()
            )
            self._database.execute(
                f"INSERT INTO {name} SELECT {values} FROM read_json(?, format = 'newline_delimited',"  # noqa: S608 - our own names
                f" maximum_object_size = 268435456, columns = {{{read}}})",
                [self._files[name].name],
            )
            for folder in self._parquet:
                self._database.execute(
                    f"INSERT INTO {name} BY NAME SELECT * FROM read_parquet(?)",  # noqa: S608 - as above
                    [_parts(folder, name)],
                )

    def select(self, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows.

        Raises:
            UserError: it is no query that DuckDB can answer.

        """
        engine = _duckdb()
        try:
            self._load()
            self._database.execute("SET enable_external_access = false")
            self._database.execute("SET lock_configuration = true")
            found = self._database.execute(query)
            names = [column[0] for column in found.description or ()]
            return names, found.fetchall()
        except engine.Error as error:
            raise UserError(str(error)) from error

    def write_parquet(self, folder: Path) -> None:
        """Write each table to ``folder``, as ``NAME.parquet``.

        Raises:
            UserError: it cannot be written.

        """
        engine = _duckdb()
        try:
            output_folder(folder)
            self._load()
            for name in TABLES:
                written = Path(self._made.name) / f"{name}.parquet"
                self._database.execute(f"COPY {name} TO ? (FORMAT parquet, COMPRESSION zstd)", [str(written)])
                with written.open("rb") as source, output(folder / written.name, links=False) as target:
                    shutil.copyfileobj(source, target)
                written.unlink()
        except (engine.Error, OSError) as error:
            message = f"{folder}: {error}"
            raise UserError(message) from error


def _duckdb() -> Any:  # noqa: ANN401 - a module
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = "DuckDB is not installed: pip install 'plainwire[query]'"
        raise UserError(message) from error
    return duckdb


def cases_in(path: Path) -> Iterator[Path]:
    """The cases at and below a folder, in order of their names.

    Raises:
        UserError: there is none.

    """
    found = list(_cases_below(path, _DEEPEST))
    if not found:
        message = f"{path}: holds no case (a folder with a report.json)"
        raise UserError(message)
    yield from found


def _cases_below(path: Path, depth: int) -> Iterator[Path]:
    if Case(path).report_json.is_file():
        yield path
    elif depth:
        for each in sorted(path.iterdir()):
            if each.is_dir() and not each.is_symlink():
                yield from _cases_below(each, depth - 1)


def is_parquet(path: Path) -> bool:
    """Whether a folder holds what ``write_parquet`` left, or a cluster, which writes a file a capture."""
    return all(_parts(path, name) for name in TABLES)


def _parts(folder: Path, table: str) -> list[str]:
    """The files of a table."""
    whole = folder / f"{table}.parquet"
    found = [whole] if whole.is_file() else sorted((folder / table).glob("[!.]*.parquet"))
    return [str(path) for path in found]


def report_of(case: Path) -> Json:
    """The report of a case, as JSON.

    Raises:
        UserError: it cannot be read.

    """
    opened = Case(case)
    with contextlib.closing(opened):
        try:
            with os.fdopen(opened.place.open(opened.report_json.name).reader(), "rb") as file:
                report: Json = orjson.loads(file.read())
        except (OSError, orjson.JSONDecodeError) as error:
            message = f"{opened.report_json}: {error}"
            raise UserError(message) from error
    return report
