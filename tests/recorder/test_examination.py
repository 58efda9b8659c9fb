from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from plainwire import folder as folders
from plainwire.model import Side
from plainwire.recorder import examination, ring
from plainwire.recorder.jobs import Interest
from plainwire.recorder.ring import RingSegment
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.recorder.jobs import Sighting

OWN = {"local": "10.0.0.1:1000", "peer": "10.0.0.9:443"}
OTHERS = {"local": "10.0.0.1:2000", "peer": "10.0.0.9:443"}
RANDOM = "ab" * 32


BEGAN = 1_700_000_000.0
GET = b"GET /a HTTP/1.1\r\nHost: server.example\r\n\r\n"


def _slow(folder: Path, wire: Conversation, lasts: float = 60.0) -> list[Sighting]:
    """What a segment that lasts so many seconds shows to somebody who asks for responses slower than 2 s."""
    place, segment = folders.made(folder / "ring"), RingSegment(1, BEGAN, BEGAN + lasts)
    place.write(segment.name(ring.PACKETS), pcap(wire.packets))
    done = examination.examine(place, None, segment, Interest(slower=2.0))
    place.close()
    return [each for each in done.seen if each.code == "slow"]


def test_a_request_that_hangs_is_a_trigger_before_anything_came_of_it(tmp_path: Path) -> None:
    wire = Conversation().open().send(Side.CLIENT, GET).ack(Side.SERVER)
    (seen,) = _slow(tmp_path, wire)
    asked = 1_700_000_000_003_000_000
    assert seen.marks == [asked]  # by which its end is known again as the same
    assert (seen.at, seen.failure) == (BEGAN + 60, True)


@pytest.mark.parametrize("how", ["answered", "closed", "sent in part", "only just sent"])
def test_what_does_not_hang_is_none(tmp_path: Path, how: str) -> None:
    wire = Conversation().open().send(Side.CLIENT, GET[:-2] if how == "sent in part" else GET)
    if how == "answered":
        wire = wire.send(Side.SERVER, b"HTTP/1.1 204 No Content\r\n\r\n")
    elif how == "closed":
        wire = wire.ack(Side.SERVER).rst(Side.SERVER)
    assert _slow(tmp_path, wire, lasts=1.0 if how == "only just sent" else 60.0) == []


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
