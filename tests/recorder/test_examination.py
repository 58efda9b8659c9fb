from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from plainwire import folder as folders
from plainwire.recorder import examination, ring
from plainwire.recorder.jobs import Interest
from plainwire.recorder.ring import RingSegment

if TYPE_CHECKING:
    from pathlib import Path

OWN = {"local": "10.0.0.1:1000", "peer": "10.0.0.9:443"}
OTHERS = {"local": "10.0.0.1:2000", "peer": "10.0.0.9:443"}
RANDOM = "ab" * 32


def event(kind: str, **fields: object) -> bytes:
    return orjson.dumps({"event": kind, "time": 1.0, "pid": 1, "tid": 1, "command": "x", **fields})


def test_sockets_that_only_the_program_calls_its_own_do_not_count_where_the_kernels_word_is_needed(
    tmp_path: Path,
) -> None:
    place, segment = folders.made(tmp_path / "ring"), RingSegment(1, 0.0, 1.0)
    told = [
        event("connect", **OWN),
        event("connect", **OTHERS),
        event("error", **OTHERS, call="read", errno=104),
        event("tls", **OTHERS, client_random=RANDOM),
        event("note", text="x"),
    ]
    place.write(segment.name(ring.EVENTS), b"\n".join(told) + b"\n")
    place.write(segment.name(ring.OWN), orjson.dumps(["10.0.0.1:1000", "10.0.0.9:443"]) + b"\n")
    believed = examination.fresh_lines(place, segment, Interest(program=True, confirmed=True)).events
    seen = examination.program_events(believed)
    assert list(seen.by_sockets) == [("10.0.0.1:1000", "10.0.0.9:443")]
    assert seen.errors == []
    assert list(seen.by_client_random) == [bytes.fromhex(RANDOM)]
    assert seen.notes == ["x"]
    alone = examination.fresh_lines(place, segment, Interest(program=True)).events
    assert len(examination.program_events(alone).by_sockets) == 2
    place.close()


def test_the_program_cannot_say_that_it_is_not_watched() -> None:
    seen = examination.program_events([event("note", text="x", unwatched=True), event("witnessed")])
    assert (seen.unwatched, seen.witnessed) == (False, False)
