"""One finished segment, looked at: whose packets are whose, and what went wrong.

It is analysed together with the one before it, so that a connection across the boundary is seen whole where
it is short. Where a connection begins or ends outside of the two, the rules for captures that were begun late
or ended early hold: nobody is accused for what was not captured.
"""

from __future__ import annotations

import os
import time
import zlib
from typing import TYPE_CHECKING

import orjson

from plainwire import pipeline
from plainwire.acquire import events as event_files
from plainwire.arrays import np
from plainwire.capture import reader
from plainwire.capture.pcapng import embed_secrets
from plainwire.folder import OpenFile
from plainwire.keys import read_keys
from plainwire.model import PacketBatch
from plainwire.recorder import carried, ring
from plainwire.recorder.carried import Lines
from plainwire.recorder.jobs import Examined, Sighting
from plainwire.recorder.shedding import share_of
from plainwire.sifting import own_packets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from plainwire.folder import Folder
    from plainwire.model import CaptureItem, Connection, Exchange, Finding, ProgramEvents, Report
    from plainwire.recorder.jobs import Interest
    from plainwire.recorder.ring import RingSegment

_MOST_MARKS = 50
"""Of one finding: enough to know it again."""


def examine(place: Folder, before: RingSegment | None, segment: RingSegment, wanted: Interest) -> Examined:
    """Look at ``segment``, with ``before`` where that is still there.

    Raises:
        UserError: a file cannot be read.

    """
    began = time.process_time()
    handed = _handed(place, segment)
    own, late = fresh_lines(place, segment, wanted), fresh_lines(place, ring.after(segment), wanted)
    fresh = Lines(
        [*own.events, *late.events], [*own.keys, *late.keys]
    )  # what came late may be of its packets
    done = Examined(segment.number)
    if wanted.program:
        done.left_out = _sift(place, segment, handed, fresh)
    first = before or segment
    earlier = _handed(place, first)
    lines = [earlier, *([fresh_lines(place, before, wanted)] if before is not None else []), fresh]
    report, times = _analysed(place, [before, segment] if before else [segment], lines, wanted)
    done.connections = report.coverage.connections
    done.undecrypted = len(report.coverage.undecrypted)
    if report.coverage.bugs:
        done.trouble = "a part of the analysis failed by a bug of plainwire's own"
    done.seen = [*_findings(report, times, segment.ended), *_others(report, wanted, segment.ended)]
    _hand_on(place, segment, carried.onward(handed, fresh, report.connections, segment.ended))
    done.seconds = time.process_time() - began
    return done


# --- lines


def lines_of(place: Folder, name: str) -> list[bytes]:
    """The lines of a file of the ring; none where it is not there."""
    try:
        descriptor = ring.opened(place, name)
    except FileNotFoundError:
        return []
    with os.fdopen(descriptor, "rb") as file:
        return file.read().splitlines()


def _handed(place: Folder, segment: RingSegment) -> Lines:
    return Lines(
        lines_of(place, segment.name(ring.BEFORE_EVENTS)), lines_of(place, segment.name(ring.BEFORE_KEYS))
    )


def handed_lines(place: Folder, segment: RingSegment) -> Lines:
    """What was open when a segment began, as the program and its key log have it."""
    handed = _handed(place, segment)
    return Lines(carried.of_program(handed.events), handed.keys)


def fresh_lines(place: Folder, segment: RingSegment, wanted: Interest) -> Lines:
    """What came in the time of a segment; of sockets, where the kernel's word is needed, what it confirms."""
    events = lines_of(place, segment.name(ring.EVENTS))
    if wanted.confirmed:
        told = lines_of(place, segment.name(ring.OWN))
        known = {frozenset(map(str, orjson.loads(line))) for line in told}
        events = [line for line in map(_confirmer(known), events) if line]
    return Lines(events, lines_of(place, segment.name(ring.KEYS)))


def _confirmer(known: set[frozenset[str]]) -> Callable[[bytes], bytes]:
    """What is left of an event where only these sockets are known as the program's."""

    def confirmed(line: bytes) -> bytes:
        event = carried.parsed(line)
        ends = frozenset((str(event.get("local")), str(event.get("peer"))))
        if ends in known or event.get("event") not in ("connect", "tls", "error"):
            return line
        if event["event"] == "tls":  # its secret is the proof
            return orjson.dumps({**event, "local": None, "peer": None})
        return b""

    return confirmed


def _hand_on(place: Folder, segment: RingSegment, lines: Lines) -> None:
    following = ring.after(segment)
    for kind, content in ((ring.BEFORE_EVENTS, lines.events), (ring.BEFORE_KEYS, lines.keys)):
        ring.put(place, following.name(kind), b"".join(line + b"\n" for line in content))


def program_events(lines: Iterable[bytes]) -> ProgramEvents:
    """Events as a recording has them. What only a file of the program's says of how it is watched does not
    count.
    """
    descriptor = os.memfd_create("events", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(line + b"\n" for line in lines)
        file.flush()
        seen = event_files.read(OpenFile(descriptor, "program.jsonl"))
    seen.unwatched = seen.witnessed = False
    return seen


# --- the capture


def _sift(place: Folder, segment: RingSegment, handed: Lines, fresh: Lines) -> int:
    """Leave only the program's packets in a segment; how many went."""
    name = segment.name(ring.PACKETS)
    capture = place.open(name)
    events = program_events([*carried.of_program(handed.events), *fresh.events])
    keys = read_keys([])
    keys.add(b"\n".join([*handed.keys, *fresh.keys]))
    kept = own_packets(capture, events, keys, quic_before=carried.quic_ends(handed.events))
    if kept.left_out:
        embed_secrets(place.path / name, b"", place, kept.flags)
    place.let_go(name)
    return kept.left_out


def path_in(place: Folder, name: str) -> str:
    """The name of a file in a folder that is held open, wherever the folder is by now."""
    return f"/proc/self/fd/{place.descriptor}/{name}"


def _analysed(
    place: Folder, segments: list[RingSegment], lines: list[Lines], wanted: Interest
) -> tuple[Report, list[NDArray[np.int64]]]:
    times: list[NDArray[np.int64]] = []

    def timed(items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
        for item in items:
            if isinstance(item, PacketBatch):
                times.append(item.time_ns)
            yield item

    share = share_of(segments)

    keys = read_keys([])
    keys.add(b"\n".join(line for each in lines for line in each.keys))
    events = None
    if wanted.program:
        told = carried.of_program(line for each in lines for line in each.events)
        events = program_events(told if share is None else filter(share.has_event, told))
    analysis = pipeline.Analysis(keys, events=events, program_only=events is not None)
    with pipeline.uncollected():
        items = timed(reader.read([path_in(place, each.name(ring.PACKETS)) for each in segments]))
        for item in share.of(items) if share is not None else items:
            analysis.feed(item)
        return analysis.close(), times


# --- triggers


def _findings(report: Report, times: list[NDArray[np.int64]], ended: float) -> Iterator[Sighting]:
    when = np.concatenate(times) if times else np.zeros(0, dtype=np.int64)
    exchanges = {each.id: each for each in report.exchanges}
    connections = {each.id: each for each in report.connections}
    for finding in report.findings:
        if finding.code == "capture-artifact":
            continue
        marks = sorted(set(_marks(finding, exchanges, connections)))
        packets = [each.packet for each in finding.evidence if 0 < each.packet <= len(when)]
        last = int(when[max(packets) - 1]) if packets else max(marks, default=0)
        if not marks:  # told by words alone
            if finding.code == "unexplained":  # of the program's end, which is a trigger by itself
                continue
            marks = [zlib.crc32(finding.claim.encode())]
        at = last / 1e9 if last else ended
        yield Sighting(finding.code, at, marks[-_MOST_MARKS:], failure=finding.failure)


def _marks(
    finding: Finding, exchanges: dict[int, Exchange], connections: dict[int, Connection]
) -> Iterator[int]:
    """When its exchanges were; without any, when its connections were seen last."""
    for number in finding.exchanges:
        if number in exchanges:
            yield _began(exchanges[number])
    if not finding.exchanges:
        for number in finding.connections:
            if number in connections:
                closes = connections[number].closes
                yield closes[0].time_ns if closes else connections[number].last_ns


def _began(exchange: Exchange) -> int:
    message = exchange.request or exchange.response
    return message.time_ns if message is not None else 0


def _others(report: Report, wanted: Interest, ended: float) -> Iterator[Sighting]:
    silent = {each.id for each in report.connections if not each.closes} if wanted.slower else set()
    for exchange in report.exchanges:
        status = exchange.response.status if exchange.response is not None else None
        at = _began(exchange)
        took = (exchange.duration_ns or 0) / 1e9
        if status is not None and any(str(status).startswith(each) for each in wanted.statuses):
            yield Sighting(f"status-{status}", at / 1e9 + took, [at])
        if _hangs(exchange) and exchange.connection in silent:
            took = ended - at / 1e9
        if wanted.slower and took > wanted.slower:
            yield Sighting("slow", at / 1e9 + took, [at])


def _hangs(exchange: Exchange) -> bool:
    """Whether the request is there as a whole, and nothing of a response."""
    request = exchange.request
    return exchange.response is None and request is not None and request.complete
