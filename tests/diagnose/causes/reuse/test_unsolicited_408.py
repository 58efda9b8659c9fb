"""A response that answers nothing the server had received."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def test_a_408_that_acknowledges_nothing_of_the_request_answers_nothing() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(1040, method="POST")
    wire.answer(1080, status=408, close=True)
    wire.close(SERVER, "fin", 1080)
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("unsolicited-408", "server", "proved")
    assert finding.retry_safe is True


def test_a_408_to_a_request_that_the_server_had_is_an_answer() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.answer(20_000, status=408, close=True)
    wire.close(SERVER, "fin", 20_000)
    assert diagnose([wire.done()]) == []


@pytest.mark.parametrize(("reset", "codes"), [(1401, ["unsolicited-408"]), (None, [])])
def test_a_408_to_a_request_that_the_server_s_program_had_not_read(
    reset: float | None, codes: list[str]
) -> None:
    """nodejs/node#44228: an event loop that was busy for longer than headersTimeout."""
    wire = Wire(rtt=1)
    wire.ask(0)
    wire.ack(SERVER, 1)
    wire.answer(1400, status=408, close=True, body=0, framing="close", declared=None, complete=reset is None)
    wire.close(SERVER, "fin" if reset is None else "rst", reset or 1400.5)
    found = diagnose([wire.done()])
    assert [finding.code for finding in found] == codes
    assert all(finding.certainty == "likely" and "event loop" in finding.claim for finding in found)


def test_a_408_on_which_the_client_left_is_the_same() -> None:
    wire = Wire(rtt=1)
    wire.ask(0)
    wire.ack(SERVER, 1)
    wire.answer(1400, status=408, close=True, body=0, framing="close", declared=None, complete=False)
    wire.close(CLIENT, "fin", 1420)
    wire.close(SERVER, "rst", 1428)
    assert only(diagnose([wire.done("aborted")])).code == "unsolicited-408"


def test_a_408_that_came_before_the_request_is_told_together_with_the_request_it_spoiled() -> None:
    wire = Wire()
    wire.ok(0)
    unasked = wire.unasked(1080)
    wire.close(SERVER, "fin", 1080)
    hurt = wire.ask(1300)
    wire.close(SERVER, "rst", 1380, bare=True)
    finding = only(diagnose([wire.done("unanswered")]))
    assert finding.code == "unsolicited-408"
    assert finding.exchanges == [unasked.id, hurt.id]
    assert finding.claim.startswith("1 of 2 requests")


def test_any_response_ahead_of_the_request_is_told_not_only_408() -> None:
    """A server that answers at once, before the client has said anything, and closes."""
    wire = Wire()
    wire.unasked(1, 200)
    wire.close(SERVER, "fin", 1)
    wire.ask(2)
    assert only(diagnose([wire.done("unanswered")])).code == "unsolicited-408"


def test_a_response_that_acknowledges_the_request_was_asked_for_whatever_the_order_of_packets() -> None:
    wire = Wire()
    wire.unasked(1, 101)
    wire.rows[-1].ack = 99
    wire.ask(2)
    wire.close(SERVER, "fin", 500)
    assert "unsolicited-408" not in [f.code for f in diagnose([wire.done("unanswered")])]


def test_a_post_is_called_safe_to_repeat_only_where_the_close_shows_that_it_never_arrived() -> None:
    def spoiled(ack: int) -> bool | None:
        wire = Wire()
        wire.ok(0)
        wire.unasked(1080)
        wire.ask(1300, method="POST")
        wire.close(SERVER, "fin", 1400, ack=ack)
        return only(diagnose([wire.done("unanswered")])).retry_safe

    assert spoiled(99) is True
    assert spoiled(198) is False


def test_a_408_on_an_idle_connection_that_hurt_nobody_is_not_accused() -> None:
    wire = Wire()
    wire.ok(0)
    wire.unasked(1080)
    wire.close(SERVER, "fin", 1080)
    wire.close(CLIENT, "fin", 1081)
    assert diagnose([wire.done()]) == []
