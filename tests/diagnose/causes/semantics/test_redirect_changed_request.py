"""Requests that a redirect made another: without credentials, or a GET for a POST; and what looks so."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import TOKEN, Fields, Talk, found

CODE = "redirect-changed-request"


def _to(target: str) -> tuple[tuple[str, str], ...]:
    return (("Location", target),)


def _here(target: str) -> tuple[tuple[str, str], ...]:
    return _to(f"https://storage.example{target}")


def _elsewhere(talk: Talk, status: int, asked: Fields = ()) -> Talk:
    request, _ = talk.messages("GET", "/a", status, 80)
    request.headers = [("Host", "elsewhere.example"), *asked]
    talk.at += 100
    return talk


def test_credentials_that_are_not_sent_to_another_host() -> None:
    """envoyproxy/envoy#23387, follow-redirects/follow-redirects#174."""
    first = Talk().say(302, asked=TOKEN, told=_to("https://elsewhere.example/a"))
    finding = found(first, _elsewhere(Talk(2, start=200), 401))[CODE]
    assert (finding.fault, finding.certainty, finding.exchanges) == ("both", "likely", [200])
    assert "to another host" in finding.claim


def test_credentials_that_are_refused_are_no_lost_ones() -> None:
    talk = Talk().say(302, asked=TOKEN, told=_to("/b")).say(401, "/b", asked=TOKEN)
    assert CODE not in found(talk)


def test_a_client_that_is_asked_for_them_and_gives_them_lost_none() -> None:
    first = Talk().say(302, asked=TOKEN, told=_to("https://elsewhere.example/a"))
    second = _elsewhere(_elsewhere(Talk(2, start=200), 401), 200, TOKEN)
    assert CODE not in found(first, second)


def test_a_post_that_became_a_get() -> None:
    """psf/requests#4485, postmanlabs/postman-app-support#8572 (a slash at the end)."""
    talk = Talk().say(301, "/api", method="POST", told=_here("/api/")).say(405, "/api/")
    finding = found(talk)[CODE]
    assert (finding.fault, finding.exchanges) == ("both", [101])
    assert "A POST was redirected with status 301, and the client went on with a GET" in finding.claim


def test_a_put_that_was_carried_out_nowhere_though_all_was_answered() -> None:
    """microsoft/pai#4685."""
    talk = Talk().say(301, "/groups", method="PUT", told=_here("/groups/")).say(200, "/groups/")
    assert "the PUT was carried out nowhere" in found(talk)[CODE].claim


def test_forms_that_are_answered_with_a_page_to_see() -> None:
    for status, end in ((302, 200), (302, 404), (303, 405)):
        talk = Talk().say(status, "/form", method="POST", told=_here("/done")).say(end, "/done")
        assert CODE not in found(talk)


def test_a_redirect_that_keeps_the_method_changed_nothing() -> None:
    talk = Talk().say(308, "/api", method="POST", told=_here("/api/")).say(405, "/api/", method="POST")
    assert CODE not in found(talk)


def test_a_get_long_after_the_redirect_is_another_request() -> None:
    talk = Talk().say(301, "/api", method="POST", told=_here("/api/"), pause=20_000).say(405, "/api/")
    assert CODE not in found(talk)
