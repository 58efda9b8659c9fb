"""A flood of messages takes a part of the memory that a report may take, and what is left out is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.capture import reader
from plainwire.http.exchange_room import MOST_INTERIM, ROOM, TOO_MANY, ExchangeRoom, ExchangeShare
from plainwire.pipeline import Analysis, exit_code
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.http.talk import CLIENT, GET, OK, SERVER
from tests.http.talk2 import PREFACE, SETTINGS, SETTINGS_ACK, frame

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Report

FIELDS = [("host", "a")]
ASK = b"\x82\x84\x86\x41\x01a"


def _analyzed(folder: Path, packets: list[bytes], room: int) -> Report:
    capture = folder / "flood.pcap"
    capture.write_bytes(pcap(packets))
    analysis = Analysis()
    analysis._reading.exchanges.left = room
    for item in reader.read([capture]):
        analysis.feed(item)
    return analysis.close()


def test_a_connection_may_take_as_much_as_it_leaves() -> None:
    room = ExchangeRoom(100_000)
    first, second = ExchangeShare(room), ExchangeShare(room)
    taken = [sum(share.admits(FIELDS) for _ in range(1000)) for share in (first, second)]
    assert taken[0] == pytest.approx(2 * taken[1], abs=1)
    assert room.left >= 20_000
    assert ExchangeShare(room).admits(FIELDS)


def test_a_pipeline_beyond_the_room_is_not_read_and_accuses_nobody(tmp_path: Path) -> None:
    talk = Conversation().open()
    for _ in range(40):
        talk.send(CLIENT, GET)
    for _ in range(40):
        talk.send(SERVER, OK)
    report = _analyzed(tmp_path, talk.fin(CLIENT).fin(SERVER).packets, 20_000)
    assert 3 < len(report.exchanges) < 20
    assert {exchange.outcome for exchange in report.exchanges} <= {"complete", "unseen"}
    assert all(exchange.request is not None for exchange in report.exchanges)
    assert TOO_MANY in report.coverage.undecrypted[0][1]
    assert {finding.code for finding in report.findings} <= {"capture-artifact"}
    assert exit_code(report) == 3


def test_a_response_that_there_is_no_room_for_is_not_missing(tmp_path: Path) -> None:
    talk = Conversation().open().send(CLIENT, GET)
    talk.send(SERVER, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"Content-Length: 0\r\n\r\n").fin(SERVER)
    report = _analyzed(tmp_path, talk.packets, 9_000)
    assert (report.exchanges, report.findings) == ([], [])
    assert TOO_MANY in report.coverage.undecrypted[0][1]
    assert exit_code(report) == 3


def test_requests_that_are_read_ahead_of_their_responses_leave_room_for_those(tmp_path: Path) -> None:
    talk = Conversation().open()
    for _ in range(100):
        talk.send(CLIENT, GET).send(SERVER, OK)
    report = _analyzed(tmp_path, talk.fin(CLIENT).fin(SERVER).packets, 60_000)
    assert 10 < len(report.exchanges) < 50
    assert {exchange.outcome for exchange in report.exchanges} == {"complete"}
    assert report.findings == []


def test_interim_responses_do_not_pile_up(tmp_path: Path) -> None:
    talk = Conversation().open().send(CLIENT, GET)
    talk.send(SERVER, b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 5000 + OK)
    report = _analyzed(tmp_path, talk.fin(SERVER).packets, ROOM)
    (exchange,) = report.exchanges
    assert len(exchange.interim) == MOST_INTERIM
    assert exchange.outcome == "complete"


def test_streams_beyond_the_room_are_not_followed(tmp_path: Path) -> None:
    talk = Conversation().open().send(CLIENT, PREFACE + SETTINGS).send(SERVER, SETTINGS + SETTINGS_ACK)
    for stream in range(1, 201, 2):
        talk.send(CLIENT, frame(1, 5, stream, ASK))
        talk.send(SERVER, frame(1, 5, stream, b"\x88"))
    report = _analyzed(tmp_path, talk.fin(CLIENT).fin(SERVER).packets, 50_000)
    assert 5 < len(report.exchanges) < 50
    assert {exchange.outcome for exchange in report.exchanges} <= {"complete", "unseen"}
    assert TOO_MANY in report.coverage.undecrypted[0][1]
    assert {finding.code for finding in report.findings} <= {"capture-artifact"}


def test_later_connections_still_have_room(tmp_path: Path) -> None:
    flood = Conversation().open()
    for _ in range(100):
        flood.send(CLIENT, GET).send(SERVER, OK)
    later = Conversation(client=("10.0.0.1", 5001)).open().send(CLIENT, GET).send(SERVER, OK)
    report = _analyzed(tmp_path, flood.packets + later.fin(CLIENT).fin(SERVER).packets, 40_000)
    first, second = report.connections
    assert len(first.exchanges) < 20
    assert [exchange.outcome for exchange in second.exchanges] == ["complete"]
