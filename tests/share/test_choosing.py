"""Which connections a bundle is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import pipeline
from plainwire.share.choosing import choices, failing, verdicts
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.share.cases import CLIENT, SERVER

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Report


def report(folder: Path) -> Report:
    """Connection 13 of 20 fails; 5 others lead to another server, and do not."""
    packets: list[bytes] = []
    for number in range(1, 26):
        server = ("203.0.113.7", 80) if number <= 20 else ("203.0.113.8", 80)
        wire = Conversation(client=("192.0.2.7", 40000 + number), server=server).open()
        wire.send(CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        if number == 13:
            wire.rst(SERVER)
        else:
            wire.send(SERVER, b"HTTP/1.1 204 No Content\r\n\r\n").fin(CLIENT).fin(SERVER)
        packets += wire.packets
    path = folder / "c.pcap"
    path.write_bytes(pcap(packets))
    return pipeline.analyze([path])


def test_the_failing_one_with_ever_more_neighbours_of_its_server(tmp_path: Path) -> None:
    found = [[c.id for c in chosen] for chosen in choices(report(tmp_path))]
    assert found == [[12, 13, 14], [9, 10, 11, 12, 13, 14, 15, 16, 17], list(range(1, 21))]


def test_those_that_the_user_names(tmp_path: Path) -> None:
    assert [[c.id for c in chosen] for chosen in choices(report(tmp_path), [3, 25])] == [[3, 25]]


def test_a_verdict_is_code_certainty_and_number(tmp_path: Path) -> None:
    found = failing(report(tmp_path))
    assert verdicts(found) == [("reset-mid-request", found[0].certainty, 1)]
