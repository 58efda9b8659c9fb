"""Credentials were accepted, and then no more."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import NEW, TOKEN, Talk, found


def test_credentials_that_were_good_and_are_refused_for_good() -> None:
    finding = found(Talk().say(200, asked=TOKEN).say(200, asked=TOKEN).say(401, asked=TOKEN))[
        "auth-expired-mid-run"
    ]
    assert finding.fault == "client"
    assert "one" not in finding.claim.split()


def test_a_token_that_is_renewed_at_the_first_401_is_how_it_should_be() -> None:
    assert found(Talk().say(200, asked=TOKEN).say(401, asked=TOKEN).say(200, asked=NEW)) == {}


def test_a_challenge_is_no_expiry() -> None:
    assert found(Talk().say(401).say(200, asked=TOKEN)) == {}


def test_credentials_that_were_never_good_did_not_expire() -> None:
    assert found(Talk().say(200, "/b", asked=TOKEN).say(401, asked=TOKEN)) == {}
