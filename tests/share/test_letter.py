"""The letter: what its receiver has to know, and where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from plainwire import pipeline
from plainwire.share import letter
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.share.cases import CLIENT, SERVER

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Report

ASK = b"GET /a?token=hunter2 HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer hunter2zz\r\n\r\n"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 22:13:25 GMT\r\n"
    b"X-Trans-Id: tx%d\r\nContent-Length: 2\r\n\r\nok"
)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Two answers, and a request that is reset; packets come 1 ms apart from 22:13:20 on."""
    wire = Conversation().open()
    for number in (1, 2):
        wire.send(CLIENT, ASK).send(SERVER, ANSWER % number)
    wire.send(CLIENT, ASK).rst(SERVER)
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(wire.packets))
    return pipeline.analyze([path])


def test_it_says_what_who_and_how_sure_in_the_first_paragraph(report: Report) -> None:
    first, second, third, *_ = letter.write(report, letter.Whole(report)).splitlines()
    assert first == "# api.example: reset\\-mid\\-request".replace("\\", "")
    assert second == ""
    assert third.startswith("1 of 3 requests to 203.0.113.7:443")
    assert any(word in third for word in ("Proved", "Likely", "Possible"))


def test_it_names_times_ends_and_the_request_id_before(report: Report) -> None:
    text = letter.write(report, letter.Whole(report))
    assert re.search(r"2023-11-14T22:13:20\.\d{6}Z: `GET /a\?token=\[redacted\]`", text)
    assert "192.0.2.7:40000 -> 203.0.113.7:443" in text
    assert r"it has no request id, since it got no response; the one before it: X\-Trans\-Id: tx2" in text
    assert "the server's clock is +5.0 to +6.0 s from it" in text


def test_its_tables_have_the_failing_packets_and_those_of_a_neighbour(report: Report) -> None:
    text = letter.write(report, letter.Whole(report))
    rows = [line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| \d", line)]
    said = {int(row[0]): row[-1] for row in rows}
    assert "request 3 begins" in said[8]
    assert "reset \\(bare" in said[9]
    assert "request 2 begins" in said[6]


def test_it_asks_of_both_sides_and_says_how_to_see_it_again(report: Report) -> None:
    text = letter.write(report, letter.Whole(report))
    assert "- **Of you:** " in text
    assert "curl --include" in text
    assert "hunter2" not in text


def test_what_is_in_it_and_what_is_not(report: Report) -> None:
    whole = letter.Whole(
        report, at_client=True, with_secrets=True, left_out=("connection 7 of the case: QUIC",)
    )
    text = letter.write(report, whole)
    assert "Captured on the client's machine; nobody counted lost packets." in text
    assert "passwords included" in text
    assert "Not in it: connection 7 of the case: QUIC" in text
    assert "passwords included" not in letter.write(report, letter.Whole(report))


def test_nothing_off_the_wire_is_markup(tmp_path: Path) -> None:
    wire = Conversation().open()
    wire.send(CLIENT, b"GET /<b>|`![x](http://evil) HTTP/1.1\r\nHost: <script>\r\n\r\n").rst(SERVER)
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(wire.packets))
    report = pipeline.analyze([path])
    text = letter.write(report, letter.Whole(report))
    outside = re.sub(r"(`+)(?:(?!\1).)+\1", "", text.split("```")[0])
    assert "<script>" not in outside
    assert "<b>" not in outside
    assert "](http" not in outside
