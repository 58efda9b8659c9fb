"""Redirects that lead back to where they began, and others that only look so."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import Talk, found


def _to(target: str) -> tuple[tuple[str, str], ...]:
    return (("Location", target),)


def test_redirects_that_lead_back() -> None:
    talk = Talk()
    for _ in range(4):
        talk.say(302, "/a", told=_to("/b")).say(302, "/b", told=_to("https://storage.example/a"))
    assert "8 redirects in a row" in found(talk)["redirect-loop"].claim


def test_a_place_that_redirects_to_itself_is_a_loop() -> None:
    talk = Talk()
    for _ in range(5):
        talk.say(301, "/a", told=_to("HTTPS://Storage.Example:443/a#part"))
    assert "redirect-loop" in found(talk)


def test_redirects_that_lead_on_or_take_cookies_with_them_are_no_loop() -> None:
    talk = Talk()
    for number in range(8):
        talk.say(302, f"/{number}", told=_to(f"/{number + 1}"))
    assert found(talk) == {}
    talk = Talk()
    for number in range(4):
        talk.say(302, "/a", asked=(("Cookie", f"n={number}"),), told=_to("/a"))
    assert found(talk) == {}


def test_a_health_check_that_never_follows_is_no_loop() -> None:
    talk = Talk()
    for _ in range(6):
        talk.say(301, "/health", told=_to("https://elsewhere.example/"))
    assert found(talk) == {}


def test_polls_that_end_in_success_are_no_loop() -> None:
    talk = Talk()
    for _ in range(4):
        talk.say(302, "/", told=_to("/login")).say(200, "/login")
    assert found(talk) == {}


def test_the_same_redirect_now_and_then_is_no_loop() -> None:
    talk = Talk()
    for _ in range(5):
        talk.say(302, "/a", pause=20_000, told=_to("/a"))
    assert found(talk) == {}


def _login(*attributes: str) -> tuple[tuple[str, str], ...]:
    return (*_to("/app"), ("Set-Cookie", "; ".join(("sid=1", *attributes))))


def test_a_client_that_keeps_no_cookies_is_sent_back_by_no_fault_of_the_server() -> None:
    """Jackett/Jackett#15134; curl without -b behind a login."""
    talk = Talk()
    for _ in range(4):
        talk.say(302, "/app", told=_to("/login")).say(302, "/login", told=_login("Secure", "Domain=.example"))
    finding = found(talk)["redirect-loop"]
    assert (finding.fault, finding.certainty) == ("client", "likely")
    assert "set a cookie that no request after it had" in finding.claim


def test_a_cookie_for_another_domain_is_not_the_client_s_to_send() -> None:
    talk = Talk()
    for _ in range(4):
        talk.say(302, "/app", told=_to("/login")).say(302, "/login", told=_login("Domain=other.example"))
    finding = found(talk)["redirect-loop"]
    assert finding.fault == "unknown"
    assert "their attributes" in finding.claim


def test_a_cookie_that_the_server_only_deletes_says_nothing() -> None:
    talk = Talk()
    for _ in range(4):
        talk.say(302, "/app", told=_to("/login")).say(302, "/login", told=_login("Max-Age=0"))
    assert found(talk)["redirect-loop"].fault == "server"
