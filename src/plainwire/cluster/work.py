"""What a worker does: one capture read, its tables written; samples merged.

Work may be done twice (a worker dies behind its last write, two runs go on at once). So names of what is
written depend on the capture's name alone, a second time writes over the first, and the record comes last:
what has none is not done.
"""

from __future__ import annotations

import threading
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import orjson

from plainwire import pipeline
from plainwire.capture import reader
from plainwire.diagnose.comparison import samples
from plainwire.diagnose.comparison.trials import of_connections, of_requests
from plainwire.export.tables import TABLES
from plainwire.hunting.runs import redacted
from plainwire.keys import add_key_log
from plainwire.model import UserError
from plainwire.querying import Tables
from plainwire.report import json
from plainwire.tls.keylog import KeyLog

from . import storage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedReader

    from plainwire.diagnose.comparison.samples import TrialsSample
    from plainwire.model import Report

    from .storage import Stored

    Json = dict[str, Any]

RECORDS, SAMPLES = "captures", "samples"
_ONE_AT_A_TIME = threading.Lock()
"""Threads of one process would share its interpreter, and need memory for several captures."""


class _OpenedCapture:
    """An open file as a source for the reader. Its errors are no end of it: the work is done again."""

    trouble = None

    def __init__(self, file: BufferedReader) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        return self._file.read1(size)


def one_capture(url: str, path: str, into: str, keys: Sequence[str], asking: str) -> bytes:
    """Read the capture at ``path`` in the file system of ``url``; its record, as JSON.

    What was done before, with the same bytes and by the same version, is not done again (``"again": false``).
    The record of what cannot be read says why (``"unreadable"``), and is not kept.

    Raises:
        OSError: reading or writing failed; it may go better another time.

    """
    here = version("plainwire")
    if asking != here:
        return orjson.dumps({"unreadable": f"the worker has plainwire {here}, not {asking}"})
    place, output = storage.Stored(storage.at(url).system, path), storage.at(into)
    source, key = storage.name_of(place), storage.key_of(place)
    record = output.below(RECORDS, f"{key}.json")
    logs = [storage.at(key) for key in keys]
    try:
        files = [storage.identity(each) for each in (place, *logs)]
        same = {"source": source, "key": key, "plainwire": here, "files": files}
        known = orjson.loads(storage.read(record) or b"{}")
        if same.items() <= known.items():
            return orjson.dumps({**known, "again": False})
        with _ONE_AT_A_TIME, pipeline.uncollected():
            made = {**same, **_written(_report(place, source, logs), source, key, output)}
    except (UserError, FileNotFoundError, PermissionError) as error:
        return orjson.dumps({"unreadable": storage.said(error).removeprefix(f"{source}: ")})
    storage.write(record, orjson.dumps(made))
    return orjson.dumps({**made, "again": True})


def _report(place: Stored, source: str, logs: Sequence[Stored]) -> Report:
    """What ``pipeline.analyze`` gives of a file: secrets are read here, where their capture is read."""
    keys = KeyLog()
    for log in logs:
        with storage.opened(log) as file:
            add_key_log(keys, storage.name_of(log), file)
    analysis = pipeline.Analysis(keys)
    with storage.opened(place) as file:
        for item in reader.read_source(source, _OpenedCapture(file)):
            analysis.feed(item)
    return analysis.close()


def _written(report: Report, source: str, key: str, output: Stored) -> Json:
    """Write the tables and the samples; what the record says of them."""
    findings = report.findings
    with storage.passing() as folder:
        with Tables() as tables:
            tables.add(orjson.loads(json.encode(report)), source)
            tables.write_parquet(folder)
        for name in TABLES:
            storage.write(output.below(name, f"{key}.parquet"), (folder / f"{name}.parquet").read_bytes())
    drawn = [
        samples.sample(table, key)
        for table in (
            redacted(of_requests(report.connections, findings, whole=True)),
            of_connections(report.connections, findings, whole=True),
        )
    ]
    for each in drawn:
        each.trials.labels.pop("process", None)  # a number that each capture gives anew
    storage.write(output.below(SAMPLES, f"{key}.zst"), _packed(drawn))
    coverage = report.coverage
    return {
        "packets": coverage.packets,
        "connections": coverage.connections,
        "decrypted": coverage.decrypted,
        "exchanges": len(report.exchanges),
        "exit_code": pipeline.exit_code(report),
        "findings": _counts(report),
    }


def _counts(report: Report) -> list[Json]:
    """The findings, one row for those that are alike, with numbers of what they are about."""
    rows: dict[tuple[str, str, str, bool], Counter[str]] = {}
    for found in report.findings:
        row = rows.setdefault((found.code, found.fault, found.certainty, found.failure), Counter())
        row.update(exchanges=len(found.exchanges), connections=len(found.connections), findings=1)
    names = ("code", "fault", "certainty", "failure")
    return [{**dict(zip(names, alike, strict=True)), **row} for alike, row in rows.items()]


# --- samples ------------------------------------------------------------------------------------------


def merged(into: str, keys: Sequence[str]) -> bytes:
    """One sample of requests and one of connections, of the captures whose files are called so."""
    output = storage.at(into)
    read = (storage.read(output.below(SAMPLES, f"{key}.zst")) for key in keys)
    return joined([data for data in read if data is not None])


def joined(parts: Sequence[bytes]) -> bytes:
    """The same of what ``merged`` gave."""
    with _ONE_AT_A_TIME:
        unpacked = [unpack(part) for part in parts]
        return _packed([samples.merge(tables) for tables in zip(*unpacked, strict=True)])


def _packed(drawn: Sequence[TrialsSample]) -> bytes:
    import zstandard  # noqa: PLC0415 - where it is needed

    return zstandard.compress(orjson.dumps([each.as_dict() for each in drawn]))


def unpack(data: bytes) -> list[TrialsSample]:
    """Read what ``joined`` gave: samples of requests and of connections."""
    import zstandard  # noqa: PLC0415 - as above

    whole = zstandard.decompress(data, max_output_size=_LARGEST)
    return [samples.TrialsSample.from_dict(values) for values in orjson.loads(whole)]


_LARGEST = 1 << 30
"""Bytes of a sample: far more than there can be."""
