"""A request in early data was refused."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import Talk, found


def test_a_425_is_no_failure_once_the_request_was_sent_again() -> None:
    assert found(Talk().say(425).say(200)) == {}
    assert found(Talk().say(425))["early-data-rejected"].fault == "client"
