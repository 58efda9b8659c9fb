"""Work divided among processes: the report is that of one."""

from __future__ import annotations

import os
import pickle
import ssl
from typing import TYPE_CHECKING

import pytest

from plainwire import dividing, pipeline
from plainwire.capture import reader
from plainwire.model import Side, UserError
from plainwire.report import json
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.tls.live import Live, contexts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from plainwire.model import CaptureItem

_GET = b"GET /a HTTP/1.1\r\nHost: server.example\r\n\r\n"
_ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    b"",
)


def _written(folder: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> tuple[list[Path], list[Path]]:
    """Seven connections side by side: answered, with an error, or not at all. A capture and its keys."""
    made = []
    keys = b""
    for number in range(7):
        live = Live(*contexts(version))
        live.say(Side.CLIENT, _GET)
        if _ANSWERS[number % 3]:
            live.say(Side.SERVER, _ANSWERS[number % 3])
        live.close(Side.SERVER)
        conversation = Conversation(client=("10.0.0.1", 5000 + number)).open()
        for side, data in live.wire:
            conversation.send(side, data)
        made.append(conversation.fin(Side.SERVER).fin(Side.CLIENT).packets)
        keys += live.key_log
    longest = max(map(len, made))
    packets = [packets[at] for at in range(longest) for packets in made if at < len(packets)]
    (folder / "a.pcap").write_bytes(pcap(packets))
    (folder / "keys.log").write_bytes(keys)
    return [folder / "a.pcap"], [folder / "keys.log"]


class _Readings:
    """How often this process began to read the capture."""

    def __init__(self) -> None:
        self.begun = 0

    def through(self, items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
        self.begun += 1
        return items


@pytest.mark.parametrize("processes", [2, 3, 9])
def test_the_report_is_that_of_one_process(
    processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture, keys = _written(tmp_path)
    monkeypatch.setattr(dividing, "_TOGETHER", 2)  # a part comes in several pieces
    monkeypatch.setattr(pipeline, "MOST_NOTED", processes)  # SYNs without company: a share has one at most
    whole = pipeline.analyze(capture, keys)
    assert [e.outcome for e in whole.exchanges].count("unanswered") == 2
    readings = _Readings()
    divided = dividing.analyze(capture, keys, processes=processes, through=readings.through)
    assert json.encode(divided) == json.encode(whole)
    assert readings.begun == 1  # nothing was read again


def test_where_sessions_may_be_resumed_all_is_read_by_one(tmp_path: Path) -> None:
    """What opens a session of TLS 1.2 may be learnt from another connection."""
    capture, keys = _written(tmp_path, ssl.TLSVersion.TLSv1_2)
    lines = keys[0].read_bytes().splitlines(keepends=True)
    keys[0].write_bytes(b"".join(lines[:-1]))
    readings = _Readings()
    divided = dividing.analyze(capture, keys, processes=2, through=readings.through)
    assert json.encode(divided) == json.encode(pipeline.analyze(capture, keys))
    assert readings.begun == 2


def test_where_more_syns_are_noted_than_may_be_all_is_read_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of them are told in full depends on all of them."""
    capture = tmp_path / "syns.pcap"
    capture.write_bytes(
        pcap([Conversation(client=("10.0.0.1", 5000 + each)).open().packets[0] for each in range(7)])
    )
    monkeypatch.setattr(pipeline, "MOST_NOTED", 6)
    readings = _Readings()
    divided = dividing.analyze([capture], processes=2, through=readings.through)
    assert json.encode(divided) == json.encode(pipeline.analyze([capture]))
    assert len(divided.connections) == 7
    assert readings.begun == 2


def test_a_part_that_breaks_off_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture, keys = _written(tmp_path)
    whole = pipeline.analyze(capture, keys)

    def breaks_off(part: pipeline.FollowedShare, pipe: BinaryIO) -> None:
        pickle.dump((part._replace(connections=[]), len(part.connections)), pipe)

    monkeypatch.setattr(dividing, "_send", breaks_off)
    assert json.encode(dividing.analyze(capture, keys, processes=3)) == json.encode(whole)


def test_a_process_that_dies_costs_nothing_but_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture, keys = _written(tmp_path)
    whole = pipeline.analyze(capture, keys)

    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(dividing, "_followed", fails)
    assert json.encode(dividing.analyze(capture, keys, processes=3)) == json.encode(whole)


def test_a_reading_that_is_ended_ends_in_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture, keys = _written(tmp_path)
    monkeypatch.setattr(reader, "PIECE", 4096)
    whole = pipeline.analyze(capture, keys)

    def through(items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
        yield next(items)
        yield next(items)

    report = dividing.analyze(capture, keys, processes=3, through=through)
    assert 0 < report.coverage.packets < whole.coverage.packets
    with pytest.raises(ChildProcessError):  # there is none any more
        os.waitpid(-1, os.WNOHANG)


def test_what_is_no_capture_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(b"no capture at all")
    with pytest.raises(UserError, match=r"a\.pcap"):
        dividing.analyze([tmp_path / "a.pcap"], processes=3)
