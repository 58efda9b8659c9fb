"""Hands out captures to the workers of a Dask cluster, and joins what they found.

A task that fails is done again, on another worker where there is one. A capture that cannot be read, or that
three workers died of, is listed, and the rest goes on. Here only counts are added up: what grows with the
number of exchanges stays with the workers.
"""

from __future__ import annotations

import itertools
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct, field

from plainwire.diagnose.comparison import samples
from plainwire.model import UserError

from . import storage, work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.diagnose.comparison.comparison import Comparison
    from plainwire.progress import Progress

    Json = dict[str, Any]

_RETRIES = 2
_HANDED_OUT = 1000
"""Captures that the scheduler knows of at a time."""
_MERGED = 16
"""Samples that one task merges."""
_PATIENCE = 15
"""Seconds until the scheduler must have answered."""


class ClusterRun(Struct):
    """What came of it. ``records``: of captures that were read, now or before (docs/tables.md);
    ``unread``: names of the others, and why.
    """

    records: list[Json] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    contrasts: list[Json] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """As of one capture: 1 findings, 3 none but not all could be seen, 2 where nothing could be read."""
        codes = {record["exit_code"] for record in self.records}
        if not self.records:
            return 2
        return next((code for code in (4, 1, 3) if code in codes), 3 if self.unread else 0)

    def as_dict(self) -> Json:
        """For JSON."""
        return {
            "captures": self.records,
            "unread": [{"source": source, "why": why} for source, why in self.unread],
            "comparison": self.contrasts,
            "undecided": self.undecided,
        }


def analyze(
    address: str, urls: Sequence[str], into: str, keys: Sequence[str], progress: Progress
) -> ClusterRun:
    """Read all captures that ``urls`` name, on the cluster at ``address``; tables go to the folder ``into``.

    Raises:
        UserError: no scheduler, no captures, no such storage.

    """
    distributed = _distributed()
    captures = {storage.name_of(place): (url, place.path) for url in urls for place in storage.listed(url)}
    output, found = storage.at(into), ClusterRun()
    for key in keys:
        storage.at(key)
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        message = f"{address}: no scheduler answers there: {storage.said(error)}"
        raise UserError(message) from error
    with client:
        progress.step(f"captures: 0 of {len(captures)} done")
        for number, (name, future) in enumerate(_done(distributed, client, captures, into, keys), 1):
            _take(found, future, name)
            progress.step(f"captures: {number} of {len(captures)} done")
        found.records.sort(key=lambda record: str(record["source"]))
        found.unread.sort()
        progress.step("comparing")
        try:
            _compare(client, found, into)
        except Exception as error:  # noqa: BLE001 - whatever it was, the captures are read
            found.undecided.append(f"The comparison failed: {storage.said(error)}")
    storage.write(output.below("report.json"), orjson.dumps(found.as_dict()))
    return found


def _done(
    distributed: Any,  # noqa: ANN401 - a module
    client: Any,  # noqa: ANN401 - Dask's
    captures: dict[str, tuple[str, str]],
    into: str,
    keys: Sequence[str],
) -> Iterator[tuple[str, Any]]:
    """Each capture's name with its task, once that is over; so many are under way."""
    asked = (into, tuple(keys), version("plainwire"))
    under_way: dict[str, str] = {}
    waiting = distributed.as_completed(loop=client.loop, raise_errors=False)
    left = iter(captures.items())

    def hand_out(most: int) -> None:
        for name, (url, path) in itertools.islice(left, most):
            task = client.submit(work.one_capture, url, path, *asked, pure=False, retries=_RETRIES)
            under_way[task.key] = name
            waiting.add(task)

    hand_out(_HANDED_OUT)
    for task in waiting:
        yield under_way.pop(task.key), task
        hand_out(1)


def _take(found: ClusterRun, future: Any, name: str) -> None:  # noqa: ANN401 - Dask's
    """Add what became of a capture."""
    try:
        record: Json = orjson.loads(future.result())
    except Exception as error:  # noqa: BLE001 - of the worker's: it is listed, and the rest goes on
        died = type(error).__name__ == "KilledWorker"
        why = "the workers that read it died" if died else f"{type(error).__name__}: {storage.said(error)}"
        found.unread.append((name, why))
        return
    if "unreadable" in record:
        found.unread.append((name, record["unreadable"]))
    else:
        found.records.append(record)


def _compare(client: Any, found: ClusterRun, into: str) -> None:  # noqa: ANN401 - Dask's
    """Compare over all captures: samples are merged by the workers, a few at a time, until one is left."""
    if not any(each["failure"] for record in found.records for each in record["findings"]):
        return
    keys = [record["key"] for record in found.records]
    parts = [
        client.submit(work.merged, into, keys[at : at + _MERGED], pure=False, retries=_RETRIES)
        for at in range(0, len(keys), _MERGED)
    ]
    while len(parts) > 1:
        parts = [
            client.submit(work.joined, parts[at : at + _MERGED], pure=False, retries=_RETRIES)
            for at in range(0, len(parts), _MERGED)
        ]
    for merged in work.unpack(parts[0].result()):
        compared: Comparison = samples.compare_sample(merged)
        found.contrasts += [
            {"code": each.code, "feature": each.feature, "claim": each.claim, "p": each.p}
            for each in compared.contrasts
        ]
        found.undecided += compared.undecided


def _distributed() -> Any:  # noqa: ANN401 - a module
    try:
        import distributed  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise storage.missing() from error
    return distributed
