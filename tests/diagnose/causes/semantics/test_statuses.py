"""What error statuses say, and when they say nothing against anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Endpoint, Finding
from tests.diagnose.wire import SERVER_END, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Request, Response

Fields = tuple[tuple[str, str], ...]
ELSEWHERE = Endpoint("203.0.113.8", 443)


class Talk:
    """One connection with exchange after exchange."""

    def __init__(self, number: int = 1, *, server: Endpoint = SERVER_END, start: float = 0.0) -> None:
        self.wire = Wire(
            id=number, first_exchange=number * 100, first_packet=number * 1000, server=server, start=start
        )
        self.at = 0.0

    def say(
        self,
        status: int,
        target: str = "/a",
        *,
        method: str = "GET",
        wait: float = 80.0,
        pause: float = 20.0,
        asked: Fields = (),
        told: Fields = (),
    ) -> Talk:
        """An exchange, and a pause behind it; ``wait`` is until its first byte."""
        request, response = self.messages(method, target, status, wait)
        request.headers += asked
        response.headers += told
        self.at += wait + pause
        return self

    def messages(self, method: str, target: str, status: int, wait: float) -> tuple[Request, Response]:
        self.wire.ask(self.at, target, method=method)
        exchange = self.wire.answer(self.at + wait, status=status)
        assert exchange.request is not None
        assert exchange.response is not None
        return exchange.request, exchange.response

    def done(self) -> Connection:
        return self.wire.done()


def found(*talks: Talk) -> dict[str, Finding]:
    return {finding.code: finding for finding in diagnose([talk.done() for talk in talks])}


def good(count: int, talk: Talk | None = None, target: str = "/a") -> Talk:
    talk = talk or Talk()
    for _ in range(count):
        talk.say(200, target)
    return talk


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
    assert found(Talk().say(503, wait=900, pause=1000).say(200)) == {}


def test_a_503_in_a_row_of_equal_requests_is_one_although_the_next_succeeds() -> None:
    """The program asks for it again and again by itself: that is no repetition of the failed one."""
    assert set(found(good(4).say(503, wait=900).say(200).say(200))) == {"overload-5xx"}


def test_a_repetition_much_quicker_than_the_program_s_own_pace_makes_it_good() -> None:
    talk = Talk()
    for _ in range(4):
        talk.say(200, pause=5000)
    assert found(talk.say(503, wait=900, pause=200).say(200)) == {}


def test_a_request_that_fails_each_time_and_alone_is_no_matter_of_the_moment() -> None:
    talk = good(6)
    for _ in range(4):
        talk.say(500, "/broken", wait=900)
    assert set(found(talk)) == {"method-or-path-specific-crash"}


def test_one_success_of_it_refutes_that() -> None:
    talk = good(6).say(200, "/broken")
    for _ in range(4):
        talk.say(500, "/broken", wait=900)
    assert set(found(talk)) == {"overload-5xx"}


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
    assert found(good(5).say(429, told=RETRY, pause=31_000).say(200)) == {}


def test_a_421_is_no_failure_once_another_connection_was_taken() -> None:
    other = Talk(2, start=5000).say(200, "/b")
    assert found(Talk().say(421, "/b"), other) == {}
    assert found(Talk().say(421, "/b"))["misdirected-421"].fault == "both"


def test_a_425_is_no_failure_once_the_request_was_sent_again() -> None:
    assert found(Talk().say(425).say(200)) == {}
    assert found(Talk().say(425))["early-data-rejected"].fault == "client"


def test_requests_for_another_name_than_the_connection_s_that_are_all_refused() -> None:
    talk = Talk()
    for _ in range(3):
        talk.say(200)
    for _ in range(3):
        talk.say(403, "/b")
    for exchange in talk.wire.exchanges[3:]:
        assert exchange.request is not None
        exchange.request.headers[0] = ("Host", "other.example")
    connection = talk.done()
    assert connection.tls is not None
    connection.tls.server_name = "storage.example"
    assert only(diagnose([connection])).code == "sni-host-mismatch"
    connection.tls.server_name = "other.example"
    assert diagnose([connection]) == []


def test_a_431_names_the_header() -> None:
    finding = found(Talk().say(200).say(431, asked=(("Cookie", "a" * 9000),)))["header-growth-431"]
    assert finding.fault == "client"
    assert "largest that was accepted" in finding.claim


def test_a_400_to_a_long_header_counts_only_beside_shorter_ones_that_were_accepted() -> None:
    long = (("Cookie", "a" * 9000),)
    assert set(found(Talk().say(200).say(400, asked=long))) == {"header-growth-431"}
    assert found(Talk().say(400, asked=long)) == {}
    assert found(Talk().say(200, asked=(("Cookie", "a" * 9500),)).say(400, asked=long)) == {}


HTML, JSON = (("Content-Type", "text/html; charset=utf-8"),), (("Content-Type", "application/json"),)


def test_a_page_where_there_is_data_otherwise_came_from_something_in_front() -> None:
    assert set(found(Talk().say(200, told=JSON).say(403, told=HTML))) == {"waf-block"}


@pytest.mark.parametrize(
    ("status", "code"), [(503, "overload-5xx"), (429, "rate-limited")], ids=["unavailable", "too many"]
)
def test_every_server_has_a_page_for_these_which_is_no_word_of_a_firewall(status: int, code: str) -> None:
    """nginx, Apache and haproxy answer so when they have no server behind them, or one asks too much."""
    assert set(found(Talk().say(200, told=JSON).say(status, told=HTML))) == {code}
    marked = (*HTML, ("CF-Mitigated", "challenge"))
    assert set(found(Talk().say(200, told=JSON).say(status, told=marked))) == {"waf-block"}


def test_where_there_are_pages_otherwise_it_did_not() -> None:
    assert found(Talk().say(200, told=HTML).say(403, told=HTML)) == {}


TOKEN, NEW = (("Authorization", "Bearer one"),), (("Authorization", "Bearer two"),)


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


def test_a_signed_request_is_refused_where_clocks_are_far_apart() -> None:
    late = (("Date", "Tue, 14 Nov 2023 22:43:20 GMT"),)  # 30 minutes after the wire's epoch
    right = (("Date", "Tue, 14 Nov 2023 22:13:21 GMT"),)
    finding = found(Talk().say(403, asked=TOKEN, told=late))["clock-skew-signature"]
    assert "30 minutes ahead" in finding.claim
    assert found(Talk().say(403, asked=TOKEN, told=right)) == {}
    assert found(Talk().say(403, told=late)) == {}


def test_what_was_written_and_missing_and_there_again() -> None:
    talk = Talk().say(201, "/k", method="PUT").say(404, "/k").say(200, "/k")
    assert set(found(talk)) == {"read-after-write-miss"}


def test_what_was_deleted_or_never_there_is_not_missing() -> None:
    assert found(Talk().say(201, "/k", method="PUT").say(204, "/k", method="DELETE").say(404, "/k")) == {}
    assert found(Talk().say(404, "/k").say(200, "/k")) == {}
    written = Talk().say(201, "/k", method="PUT").say(404, "/k").say(201, "/k", method="PUT").say(200, "/k")
    assert found(written) == {}


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


def talks(server: Endpoint, count: int, bad: int, first: int, told: Fields = ()) -> list[Talk]:
    """Connections with one exchange each, of which the first few fail."""
    return [
        Talk(first + n, server=server, start=n * 500).say(
            500 if n < bad else 200, f"/{n}", wait=900, told=told
        )
        for n in range(count)
    ]


def test_failures_that_keep_to_one_address() -> None:
    finding = found(*talks(SERVER_END, 10, 7, 1), *talks(ELSEWHERE, 20, 0, 50))["sick-backend"]
    assert "7 of 10 tries that went to address 203.0.113.7 failed, and 0 of 20" in finding.claim
    assert not finding.failure


def test_failures_at_all_addresses_alike_accuse_no_one_of_them() -> None:
    assert "sick-backend" not in found(*talks(SERVER_END, 10, 4, 1), *talks(ELSEWHERE, 20, 8, 50))


def test_one_address_with_few_failures_is_not_named() -> None:
    assert "sick-backend" not in found(*talks(SERVER_END, 3, 2, 1), *talks(ELSEWHERE, 20, 0, 50))


@pytest.mark.parametrize(
    ("name", "told"), [("node-3", "x-served-by node-3"), ("\x1b[31mnode-3", "one value of x-served-by")]
)
def test_a_server_behind_one_address_that_names_itself(name: str, told: str) -> None:
    sick, well = (("X-Served-By", name),), (("X-Served-By", "node-1"),)
    finding = found(*talks(SERVER_END, 8, 6, 1, sick), *talks(SERVER_END, 20, 0, 50, well))["sick-backend"]
    assert f"6 of 8 tries that went to {told} failed, and 0 of 20" in finding.claim
    assert "\x1b" not in finding.claim
    assert "of 28 requests" not in finding.claim


@pytest.mark.parametrize("protocol", ["h2", "h3"])
def test_a_status_means_the_same_in_each_version_of_http(protocol: str) -> None:
    connection = good(3).say(500, "/b", wait=900).done()
    for exchange in connection.exchanges:
        exchange.protocol = protocol
    assert only(diagnose([connection])).code == "overload-5xx"
