"""A comparison as text and JSON."""

from __future__ import annotations

import json

from plainwire.comparing import compare, words
from plainwire.report.style import Style
from tests.comparing.test_places import far, near
from tests.report.samples import failing, healthy, report


def test_the_text_names_who_it_was_and_what_one_place_alone_had_said() -> None:
    found = compare(report(near()), report(far(reset=False)))
    text = words.text(found, ("client.pcap", "server.pcap"), Style())
    first = text.splitlines()[0]
    assert (
        first == "plainwire: the same traffic at two places, A nearer to the client; 1 of 1 failure decided."
    )
    assert "What is between the two places. Likely." in text
    assert "reset-mid-request (server, likely): refuted." in " ".join(text.split())
    assert "The clock of B less that of A: +7.2" in text


def test_json_has_the_same() -> None:
    found = json.loads(words.encode(compare(report(near()), report(far(reset=False)))))
    (decided,) = found["places"]["decided"]
    assert (decided["who"], decided["certainty"], decided["holds"]) == ("between", "likely", False)
    assert found["places"]["near"] == "A"


def test_nothing_from_the_wire_is_shown_raw() -> None:
    hostile = report(failing())
    for exchange in hostile.exchanges:
        if exchange.request is not None:
            exchange.request.headers.append(("User-Agent", "\x1b[31mBearer hunter2hunter2hunter2"))
    for pair in ((report(healthy()), hostile), (hostile, report(healthy()))):
        found = compare(*pair)
        for text in (words.text(found, ("\x1b[2J", "b"), Style()), words.encode(found)):
            assert "hunter2" not in text
            assert all(line.isprintable() for line in text.splitlines())
