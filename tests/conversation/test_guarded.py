"""A bug in a reader costs what one connection carried: the others are read, and nobody is accused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire import pipeline
from plainwire.capture import reader
from plainwire.conversation.guarded import FAILED
from plainwire.http.http1 import Http1
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.builders.packets import CLIENT as CLIENT_END
from tests.conversation.wire import CLIENT, GET, OK, SERVER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plainwire.model import Report


pytestmark = pytest.mark.broken


def _first_fails(real: Callable[..., object], behind: int = 0) -> Callable[..., object]:
    """The method, failing on the first object that it is called for, after ``behind`` calls."""
    calls: list[object] = []

    def method(self: Http1, *given: object) -> object:
        if not calls or calls[0] is self:
            calls.append(self)
            if len(calls) > behind:
                what = "/path?token=hunter2"
                raise IndexError(what)
        return real(self, *given)

    return method


def _report(folder: Path, *parts: list[bytes]) -> Report:
    """Of packets that come in parts."""
    analysis = pipeline.Analysis()
    for number, packets in enumerate(parts):
        path = folder / f"{number}.pcap"
        path.write_bytes(pcap(packets))
        for item in reader.read([path]):
            analysis.feed(item)
    return analysis.close()


def _reset_and_healthy() -> list[bytes]:
    reset = Conversation().open().send(CLIENT, GET).send(SERVER, OK).send(CLIENT, GET).rst(SERVER)
    healthy = (
        Conversation(client=(CLIENT_END[0], 40001)).open().send(CLIENT, GET).send(SERVER, OK).fin(SERVER)
    )
    return reset.packets + healthy.packets


@pytest.mark.parametrize("broken", ["feed", "close"])
def test_the_other_connections_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    monkeypatch.setattr(Http1, broken, _first_fails(getattr(Http1, broken)))
    report = _report(tmp_path, _reset_and_healthy())
    assert [len(connection.exchanges) for connection in report.connections] == [0, 1]
    assert report.coverage.undecrypted == [(1, FAILED)]
    assert [bug.line for bug in report.coverage.bugs] == [
        "the reading of a connection failed (IndexError); please report it"
    ]
    assert (report.findings, pipeline.exit_code(report)) == ([], 4)


def test_what_was_open_when_a_reader_failed_ends_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Http1, "feed", _first_fails(Http1.feed, behind=1))
    packets = Conversation().open().send(CLIENT, GET).send(SERVER, OK).send(CLIENT, GET).rst(SERVER).packets
    report = _report(tmp_path, packets[:4], packets[4:])
    assert [exchange.outcome for exchange in report.exchanges] == ["unseen"]
    assert [finding.fault for finding in report.findings if finding.fault != "unknown"] == []
