"""The server refused the request because there were too many."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.semantics.talks import Talk, found, good

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


PAGE = (
    b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n"
    b"<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n"
    b"</body>\r\n</html>\r\n"
)
"""As nginx 1.22.1 sends it."""


def _refused(talk: Talk, size: int = len(PAGE)) -> Talk:
    _, response = talk.messages("GET", "/a", 503, 1)
    response.headers += (("Server", "nginx/1.22.1"), ("Content-Type", "text/html"))
    response.body_size = size
    return talk


def test_nginx_s_own_503_beside_accepted_requests_is_a_limit_of_its_own() -> None:
    finding = found(_refused(good(5)))["rate-limited"]
    assert (finding.fault, finding.certainty) == ("unknown", "likely")
    assert "limit_req: Accepted before it: 5 in the second" in finding.claim
    several = [Talk(number).say(200, wait=500) for number in (1, 2)]
    finding = found(*several, _refused(Talk(3, start=100.0)))["rate-limited"]
    assert "limit_conn: 2 others were being answered" in finding.claim


def test_a_503_of_everything_or_with_another_page_is_no_limit() -> None:
    assert set(found(_refused(Talk()))) == {"overload-5xx"}
    assert set(found(_refused(good(5), len(PAGE) - 20))) == {"overload-5xx"}


def test_a_client_that_waits_and_then_succeeds_did_all_right() -> None:
    (told,) = found(good(5).say(429, told=RETRY, pause=31_000).say(200)).values()
    assert (told.code, told.failure) == ("hidden-retry", False)


def test_a_503_that_asks_to_wait_is_a_limit_only_where_others_were_accepted_meanwhile() -> None:
    whole = found(good(5).say(503, "/b", told=RETRY).say(503, "/c", told=RETRY))
    assert set(whole) == {"overload-5xx"}
    assert "being maintained" in whole["overload-5xx"].claim
    some = found(good(5).say(503, "/b", told=RETRY).say(200))["rate-limited"]
    assert (some.fault, some.certainty) == ("unknown", "likely")
