"""Whether a capture fed packet by packet, as a live one comes, gives the report that the file gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from plainwire import pipeline
from plainwire.capture import reader
from plainwire.keys import read_keys
from plainwire.model import PacketBatch
from plainwire.report.json import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.reference import Capture


def difference(capture: Capture) -> str | None:
    """The first place where the two JSON reports differ; None where they are the same."""
    whole = json.loads(encode(_analyze(capture, by_packet=False)))
    parts = json.loads(encode(_analyze(capture, by_packet=True)))
    return next(_differences(whole, parts, ""), None)


def _analyze(capture: Capture, *, by_packet: bool) -> Any:  # noqa: ANN401 - a Report
    analysis = pipeline.Analysis(read_keys(capture.keys, capture.private_keys))
    for item in reader.read([capture.path]):
        if by_packet and isinstance(item, PacketBatch):
            for row in rows(item):
                analysis.feed(row)
        else:
            analysis.feed(item)
    return analysis.close()


def rows(batch: PacketBatch) -> Iterator[PacketBatch]:
    """The same packets, each in a batch of its own that holds no other packet's bytes."""
    for row in range(len(batch.number)):
        start = int(batch.offset[row])
        one = slice(row, row + 1)
        yield PacketBatch(
            data=batch.data[start : start + int(batch.caplen[row])],
            number=batch.number[one],
            time_ns=batch.time_ns[one],
            offset=np.zeros(1, np.int64),
            caplen=batch.caplen[one],
            length=batch.length[one],
            link=batch.link[one],
        )


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            yield from _differences(one.get(name), other.get(name), f"{path}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{path}[{index}]")
    elif one != other:
        yield f"{path}: {_short(one)} whole, {_short(other)} by packet"


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    return f"{len(value)} of them" if isinstance(value, list) else repr(value)[:60]
