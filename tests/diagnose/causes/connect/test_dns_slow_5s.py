"""The name was resolved only when it was asked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.connect.lookups import OTHER, lookup
from tests.diagnose.opening import healthy
from tests.diagnose.wire import only

if TYPE_CHECKING:
    from plainwire.model import Lookup


def test_a_question_that_was_asked_again_delays_the_connection() -> None:
    finding = only(diagnose([healthy(start=5030)], [lookup(0, 5000, at=5020)]))
    assert (finding.code, finding.fault, finding.failure) == ("dns-slow-5s", "unknown", False)
    assert "5.000 s" in finding.claim
    assert {9000, 14000, 14020} < set(finding.packets)


def test_a_question_that_another_server_answered() -> None:
    finding = only(diagnose([healthy(start=5030)], [lookup(0), lookup(5000, at=5020, server=OTHER)]))
    assert finding.code == "dns-slow-5s"
    assert OTHER in finding.claim


@pytest.mark.parametrize(
    "asked",
    [
        lookup(0, at=5020),  # one question, and a slow server behind it
        lookup(0, 300, at=320),
        lookup(0, 5000, at=5020, name="other.example", addresses=("203.0.113.1",)),
        lookup(0, 5000, at=5020, client="192.0.2.200"),
        lookup(0, 5000),
    ],
)
def test_what_need_not_have_delayed_it(asked: Lookup) -> None:
    assert diagnose([healthy(start=5030)], [asked]) == []


def test_a_connection_long_after_the_answer_did_not_wait_for_it() -> None:
    assert diagnose([healthy(start=9000)], [lookup(0, 5000, at=5020)]) == []
