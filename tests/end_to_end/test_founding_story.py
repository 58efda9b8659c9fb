"""The story that plainwire began with: Swift behind a load balancer that now and then cuts a request off.

A client of its own (http.client) meets the fault; the vendor's library (python-swiftclient) hides it by
repeating each request after 1, 2, 4, ... s. The load balancer's log is the second source.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.api import analyze
from plainwire.report.terminal import verdict
from tests.end_to_end.object_storage import Storage, storage
from tests.end_to_end.recorded import record

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT = Path(__file__).parent / "clients" / "storage.py"
COUNT, FAULTY = 66, 7
"""Objects, and those whose name ends in 5."""
CUT_OFF = ("close-mid-request", "reset-mid-request")


@pytest.fixture
def swift(tmp_path: Path) -> Iterator[Storage]:
    folder = tmp_path / "storage"
    folder.mkdir()
    with storage(folder) as running:
        yield running


def test_failures_that_swiftclient_hides_are_told(swift: Storage, tmp_path: Path) -> None:
    recorded = record(tmp_path, sys.executable, CLIENT, "swiftclient", swift.url, swift.authority, COUNT)
    cut_off = swift.cut_off()
    assert recorded.status == 0
    assert len(cut_off) == FAULTY
    assert recorded.targets(*CUT_OFF) == cut_off
    assert recorded.targets("hidden-retry") == sorted(cut_off * 2)  # the failure, and its repetition
    attempts = recorded.report["attempts"]
    sent = 1 + 2 * COUNT + FAULTY  # the container, a PUT and a GET each, the repetitions
    assert (attempts["sent"], attempts["failed"], attempts["hidden"]) == (sent, FAULTY, FAULTY)
    assert attempts["backoff"].endswith("as python-swiftclient pauses")
    headline = verdict(analyze([recorded.case.folder])).splitlines()[0]
    asked = sent - FAULTY
    assert f"{FAULTY} of {sent} attempts failed, all retried" in headline
    assert f"the program asked for {asked} and saw none fail" in headline


def test_the_same_failures_hit_a_client_that_repeats_nothing(swift: Storage, tmp_path: Path) -> None:
    recorded = record(tmp_path, sys.executable, CLIENT, "http.client", swift.url, swift.authority, COUNT)
    assert recorded.status == 1
    assert recorded.targets(*CUT_OFF) == swift.cut_off()
    assert len(recorded.targets(*CUT_OFF)) == FAULTY
    assert "hidden-retry" not in recorded.codes()
