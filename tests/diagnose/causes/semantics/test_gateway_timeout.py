"""A gateway gave up waiting for what is behind it."""

from __future__ import annotations

import pytest

from tests.diagnose.causes.semantics.talks import Talk, found, good


def test_a_gateway_s_timer_shows_in_waits_that_agree() -> None:
    talk = good(3)
    for wait in (60_001.0, 60_004.0, 60_002.0):
        talk.say(504, "/slow", wait=wait)
    claim = found(talk)["gateway-timeout"].claim
    assert "agree within 1 %" in claim
    assert "common default (60 s)" in claim


def test_waits_that_differ_are_no_timer() -> None:
    talk = good(3).say(504, "/slow", wait=20_000).say(504, "/slow", wait=60_000)
    assert "agree" not in found(talk)["gateway-timeout"].claim


@pytest.mark.parametrize(("size", "code"), [(11, "gateway-timeout"), (12, "overload-5xx")])
def test_h2o_says_502_and_in_words_that_it_waited(size: int, code: str) -> None:
    talk = Talk()
    _, response = talk.messages("GET", "/a", 502, 2000)
    response.headers[:] = [("Server", "h2o/2.2.5"), ("Content-Type", "text/plain; charset=utf-8")]
    response.body_size = size
    assert set(found(talk)) == {code}
