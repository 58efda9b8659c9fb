"""Redirects that lead back to where they began."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import Talk, found


def test_redirects_that_lead_back() -> None:
    talk = Talk()
    for _ in range(4):
        talk.say(302, "/a").say(302, "/b")
    assert "8 redirects in a row" in found(talk)["redirect-loop"].claim


def test_redirects_that_lead_on_or_take_cookies_with_them_are_no_loop() -> None:
    talk = Talk()
    for number in range(8):
        talk.say(302, f"/{number}")
    assert found(talk) == {}
    talk = Talk()
    for number in range(4):
        talk.say(302, "/a", asked=(("Cookie", f"n={number}"),))
    assert found(talk) == {}


def test_the_same_redirect_now_and_then_is_no_loop() -> None:
    talk = Talk()
    for _ in range(5):
        talk.say(302, "/a", pause=20_000)
    assert found(talk) == {}
