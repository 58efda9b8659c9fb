"""The server answered with an error of its own."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.semantics.talks import Talk, found, good
from tests.diagnose.wire import Wire, only


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 501])
def test_what_the_program_asked_for_is_no_failure(status: int) -> None:
    assert found(good(3).say(status, "/b")) == {}


@pytest.mark.parametrize("status", [500, 502, 503, 507])
def test_an_error_of_the_server_s_own_inside_tls_is_proved(status: int) -> None:
    finding = found(good(3).say(status, "/b", wait=900))["overload-5xx"]
    assert (finding.fault, finding.certainty) == ("server", "proved")


def test_in_clear_text_anybody_could_have_written_it() -> None:
    wire = Wire(tls=False)
    wire.ask(0)
    wire.answer(900, status=500)
    assert only(diagnose([wire.done()])).certainty == "likely"


def test_a_503_whose_repetition_succeeds_is_no_failure() -> None:
    assert set(found(Talk().say(503, wait=900, pause=1000).say(200))) == {"hidden-retry"}


def test_a_503_in_a_row_of_equal_requests_is_one_although_the_next_succeeds() -> None:
    """The program asks for it again and again by itself: that is no repetition of the failed one."""
    assert set(found(good(4).say(503, wait=900).say(200).say(200))) == {"overload-5xx"}


def test_a_repetition_much_quicker_than_the_program_s_own_pace_makes_it_good() -> None:
    talk = Talk()
    for _ in range(4):
        talk.say(200, pause=5000)
    hidden = found(talk.say(503, wait=900, pause=200).say(200))
    assert set(hidden) == {"hidden-retry"}
    assert not hidden["hidden-retry"].failure
    assert "was answered with status 503" in hidden["hidden-retry"].claim


@pytest.mark.parametrize("protocol", ["h2", "h3"])
def test_a_status_means_the_same_in_each_version_of_http(protocol: str) -> None:
    connection = good(3).say(500, "/b", wait=900).done()
    for exchange in connection.exchanges:
        exchange.protocol = protocol
    assert only(diagnose([connection])).code == "overload-5xx"


def test_errors_after_one_long_time_are_called_a_limit() -> None:
    talk = good(3).say(500, "/b", wait=3140).say(500, "/c", wait=3770).say(500, "/d", wait=3210)
    claim = found(talk)["overload-5xx"].claim
    assert "3 of 3 errors came 3.140 s to 3.770 s after the request" in claim


def test_errors_after_different_times_are_no_limit() -> None:
    claim = found(good(3).say(500, "/b", wait=1200).say(500, "/c", wait=5000))["overload-5xx"].claim
    assert "limit" not in claim


def test_a_502_is_a_gateway_s_word_about_what_is_behind_it() -> None:
    claim = found(good(3).say(502, "/b", wait=900))["overload-5xx"].claim
    assert "upstream" in claim
    assert "not visible here" in claim
