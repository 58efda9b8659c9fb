"""A gateway gave up waiting for what is behind it."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import found, good


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
