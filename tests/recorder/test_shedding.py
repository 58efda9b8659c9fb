"""A recorder that cannot keep up takes fewer connections, and those as a whole."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import orjson
import pytest

from plainwire import folder as folders
from plainwire import reading
from plainwire.capture import kernel_filter, live, reader
from plainwire.case import Case
from plainwire.model import Endpoint, PacketBatch, Side
from plainwire.packets.decode import Decoder
from plainwire.recorder import examination, ring, saving, shedding
from plainwire.recorder.home import opened
from plainwire.recorder.jobs import Interest
from plainwire.recorder.ring import RingSegment
from plainwire.recorder.shedding import CapturedFlows, Shedding
from tests.builders.captures import enhanced, interface, section
from tests.builders.conversation import Conversation
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.folder import Folder

EVENT = {"event": "connect", "time": 1.0, "pid": 1, "tid": 1, "command": "x"}
_LOOPBACKS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


def _flows(path: Path) -> set[frozenset[Endpoint]]:
    """The TCP flows in a capture, each by its two ends."""
    decoder, found = Decoder(), set()
    for item in reader.read([path]):
        if isinstance(item, PacketBatch):
            segments = decoder.decode(item).segments
            ends = zip(segments.source.tolist(), segments.target.tolist(), strict=True)
            found |= {frozenset((segments.endpoints[a], segments.endpoints[b])) for a, b in ends}
    return found


def _connect(family: socket.AddressFamily, times: int) -> set[frozenset[Endpoint]]:
    """Open and close connections over loopback; the two ends of each."""
    made = set()
    with socket.create_server((_LOOPBACKS[family], 0), family=family) as listening:
        for _ in range(times):
            with (
                contextlib.closing(socket.create_connection(listening.getsockname()[:2])) as client,
                listening.accept()[0],
            ):
                ends = (client.getsockname(), client.getpeername())
                made.add(frozenset(Endpoint(address, port) for address, port, *_ in ends))
    return made


@pytest.mark.parametrize("family", list(_LOOPBACKS))
@pytest.mark.parametrize("given", ["", "tcp"])
def test_the_kernel_takes_the_flows_that_are_looked_at_later(
    tmp_path: Path, family: socket.AddressFamily, given: str
) -> None:
    needs("root")
    path, share = tmp_path / "a.pcapng", CapturedFlows(2)
    capture = live.start(path, capture_filter=given, only="libpcap")
    assert capture.shed(2)
    some = _connect(family, 60)
    assert capture.shed(0)
    all_of_them = _connect(family, 5)
    capture.stop()
    taken = {flow for flow in some if share.has(*flow)}
    assert 0 < len(taken) < 40  # of 60, a quarter
    assert {flow for flow in _flows(path) if flow in some | all_of_them} == taken | all_of_them


def test_what_carries_many_flows_or_belongs_to_all_stays() -> None:
    share, name_server = CapturedFlows(kernel_filter.LARGEST_SHEDDING), Endpoint("10.0.0.53", 53)
    assert all(share.has(Endpoint("10.0.0.1", port), name_server) for port in range(2000, 2100))


def test_fewer_connections_are_taken_as_long_as_packets_are_lost() -> None:
    decides = Shedding()
    assert [
        decides.judge(lost, now) for lost, now in ((0, 0.0), (5, 1.0), (9, 1.5), (9, 2.5), (12, 3.0))
    ] == [
        0,
        1,
        1,  # what is in the kernel's ring by now comes all the same
        1,
        2,
    ]
    assert [decides.judge(12, now) for now in (20.0, 32.9, 33.0, 62.9, 63.0)] == [2, 2, 1, 1, 0]


def test_a_share_that_was_too_large_is_not_tried_again_so_soon() -> None:
    decides = Shedding()
    decides.judge(1, 0.0)
    assert decides.judge(1, 30.0) == 0
    assert decides.judge(2, 40.0) == 1
    assert [decides.judge(2, now) for now in (80.0, 99.9, 100.0)] == [1, 1, 0]


def test_there_is_a_least_share() -> None:
    decides = Shedding()
    levels = [decides.judge(lost, 10.0 * lost) for lost in range(1, 20)]
    assert levels[-1] == max(levels) == kernel_filter.LARGEST_SHEDDING


# --- what is looked at, and saved


GET = b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n"
SERVER = ("10.0.0.2", 80)
SHED, TAKEN = (
    next(
        n
        for n in range(40_000, 50_000)
        if CapturedFlows(1).has(Endpoint("10.0.0.1", n), Endpoint(*SERVER)) is taken
    )
    for taken in (False, True)
)


def _capture(packets: list[bytes]) -> bytes:
    began = 1_700_000_000_000_000
    return (
        section() + interface() + b"".join(enhanced(each, began + n * 1000) for n, each in enumerate(packets))
    )


def _segment(place: Folder, shed: int) -> RingSegment:
    """A segment in which two requests were answered by a reset, one of them of a flow that is shed at 1."""
    wires = [
        Conversation(("10.0.0.1", port), SERVER).open().send(Side.CLIENT, GET).rst(Side.SERVER)
        for port in (SHED, TAKEN)
    ]
    segment = RingSegment(1, 1_700_000_000.0, 1_700_000_060.0, shed=shed)
    place.write(segment.name(ring.PACKETS), _capture([packet for wire in wires for packet in wire.packets]))
    return segment


@pytest.mark.parametrize("shed", [0, 1])
def test_of_its_time_only_flows_are_judged_that_were_there_all_the_time(tmp_path: Path, shed: int) -> None:
    place = folders.made(tmp_path / "ring")
    later = RingSegment(2, 1_700_000_060.0, 1_700_000_120.0, shed=shed)
    before = _segment(place, 0)
    place.write(later.name(ring.PACKETS), _capture([]))
    done = examination.examine(place, before, later, Interest())
    place.close()
    (seen,) = done.seen
    assert (seen.code, len(seen.marks)) == ("reset-mid-request", 1 if shed else 2)


def test_a_case_of_that_time_has_only_those_and_says_so(tmp_path: Path) -> None:
    home = opened(tmp_path / "flight")
    told = [
        orjson.dumps({**EVENT, "local": f"10.0.0.1:{port}", "peer": "10.0.0.2:80"}) for port in (SHED, TAKEN)
    ]
    segment = _segment(home.ring, 1)
    home.ring.write(segment.name(ring.EVENTS), b"\n".join(told) + b"\n")
    done = saving.save(home, [segment], "asked for", segment.ended, Interest(program=True))
    case = Case(tmp_path / "flight" / "cases" / done.name)
    home.close()
    assert done.trouble == ""
    assert _flows(case.capture) == {frozenset((Endpoint("10.0.0.1", TAKEN), Endpoint(*SERVER)))}
    report = reading.analyze(case)
    assert [each.code for each in report.findings] == ["reset-mid-request"]
    assert shedding.note(1) in " ".join(report.coverage.notes)
