"""The server refused the request because there were too many."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.semantics.talks import found, good

RETRY = (("Retry-After", "30"),)


def test_a_client_that_does_not_wait_as_it_was_asked_to_is_proved_the_cause() -> None:
    findings = diagnose([good(5).say(429, told=RETRY).say(429, told=RETRY).done()])
    client = next(finding for finding in findings if finding.fault == "client")
    assert (client.code, client.certainty) == ("rate-limited", "proved")
    assert "earlier than that" in client.claim


def test_a_limit_without_retry_after_accuses_nobody_and_counts() -> None:
    finding = found(good(5).say(429))["rate-limited"]
    assert finding.fault == "unknown"
    assert "5 in the second" in finding.claim


def test_a_client_that_waits_and_then_succeeds_did_all_right() -> None:
    (told,) = found(good(5).say(429, told=RETRY, pause=31_000).say(200)).values()
    assert (told.code, told.failure) == ("hidden-retry", False)
