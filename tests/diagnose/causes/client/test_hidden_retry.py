"""The twin of a failed request was answered elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.causes.client.twins import again, failing, hidden, twice
from tests.diagnose.wire import CLIENT, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection


def test_the_same_request_on_another_connection_soon_after_is_a_retry() -> None:
    finding = hidden(failing(), again(1300))
    assert finding is not None
    assert finding.exchanges == [2, 20]
    assert finding.certainty == "likely"
    assert finding.retry_safe is True


def test_the_cause_of_the_failure_is_a_finding_of_its_own() -> None:
    assert [f.code for f in diagnose([failing(), again(1300)])] == ["reset-mid-request", "hidden-retry"]


def test_a_repeated_post_that_the_server_had_may_have_run_twice() -> None:
    finding = hidden(failing("POST"), again(1300, "POST"))
    assert finding is not None
    assert finding.retry_safe is False
    assert "may have run twice" in finding.claim


def test_a_repeated_post_that_the_server_never_had_did_no_harm() -> None:
    finding = hidden(failing("POST", raced=True), again(1300, "POST"))
    assert finding is not None
    assert finding.retry_safe is True
    assert "harmless" in finding.claim


def test_another_body_is_another_request() -> None:
    assert hidden(failing("POST"), again(1300, "POST", digest=8)) is None


def test_other_headers_are_another_request_unless_they_are_written_anew_each_time() -> None:
    def second(*fields: tuple[str, str]) -> Connection:
        connection = again(1300)
        request = connection.exchanges[0].request
        assert request is not None
        request.headers = [*request.headers, *fields]
        return connection

    assert hidden(failing(), second(("SEQ", "1"))) is None
    assert hidden(failing(), second(("X-Request-Id", "b"), ("amz-sdk-request", "attempt=2"))) is not None


def test_another_target_is_another_request() -> None:
    assert hidden(failing(), again(1300, target="/third")) is None


def test_a_request_minutes_later_is_no_retry() -> None:
    assert hidden(failing(), again(1120 + 121_000)) is None


def test_a_program_that_repeats_the_request_by_itself_is_not_said_to_retry() -> None:
    """A loop over one URL looks like a retry after each failure: nothing can be told."""
    wire = Wire()
    for number in range(4):
        wire.ok(number * 100, "/same")
    wire.ask(400, "/same")
    wire.close(SERVER, "rst", 480)
    looping = Wire(id=2, first_exchange=20, first_packet=200)
    for number in range(4):
        looping.ok(700 + number * 100, "/same")
    assert hidden(wire.done("unanswered"), looping.done()) is None


def test_a_poll_every_ten_seconds_does_not_hide_a_retry_at_once() -> None:
    wire = Wire()
    for number in range(3):
        wire.ok(number * 10_000, "/poll")
    wire.ask(30_000, "/poll")
    wire.close(SERVER, "rst", 30_080)
    retried = Wire(id=2, first_exchange=20, first_packet=200)
    retried.ok(30_300, "/poll")
    assert hidden(wire.done("unanswered"), retried.done()) is not None


def test_attempts_that_failed_too_are_counted() -> None:
    second = Wire(id=2, first_exchange=20, first_packet=200)
    second.ask(1300, "/second", digest=7)
    second.close(SERVER, "rst", 1380)
    third = Wire(id=3, first_exchange=30, first_packet=300)
    third.ask(1500, "/second", digest=7)
    third.answer(1580)
    finding = hidden(failing(), second.done("unanswered"), third.done())
    assert finding is not None
    assert "(3 attempts in all)" in finding.claim


def test_a_post_that_the_server_had_and_that_was_sent_again_is_a_double() -> None:
    finding = twice(failing("POST"), again(1300, "POST"))
    assert finding is not None
    assert (finding.fault, finding.certainty, finding.exchanges) == ("client", "likely", [2, 20])
    assert finding.failure is False
    assert "only the server knows" in finding.claim


def test_a_post_that_was_answered_too_late_and_sent_again_ran_twice() -> None:
    wire = Wire()
    wire.ok(0, "/first")
    wire.ask(1000, "/second", method="POST", digest=7)
    wire.ack(SERVER, 1080)
    wire.close(CLIENT, "fin", 2000)
    wire.answer(2500)
    wire.close(CLIENT, "rst", 2500.1, bare=True)
    finding = twice(wire.done("complete"), again(2100, "POST"))
    assert finding is not None
    assert "it ran twice" in finding.claim
