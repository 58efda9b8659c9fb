"""The client hung up first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.cuts import half
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Side


@pytest.mark.parametrize(("waited", "fault"), [(150, "client"), (37_700, "unknown")])
def test_who_gave_up_is_proved_but_not_who_is_to_blame_after_a_long_silence(
    waited: float, fault: str
) -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.ack(SERVER, 580)
    wire.close(CLIENT, "close_notify", 500 + waited)
    wire.close(CLIENT, "fin", 500 + waited)
    finding = only(diagnose([wire.done("aborted")]))
    assert (finding.code, finding.fault, finding.certainty) == ("client-abort", fault, "proved")
    assert "acknowledged but not answered" in finding.claim


def test_an_answer_that_came_when_the_client_had_gone_was_none() -> None:
    """The program saw a timeout; the capture holds a complete response."""
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.ack(SERVER, 580)
    wire.close(CLIENT, "fin", 5200)
    wire.answer(6700)
    wire.close(CLIENT, "rst", 6700.1, bare=True)
    finding = only(diagnose([wire.done("complete")]))
    assert (finding.code, finding.fault, finding.exchanges) == ("client-abort", "unknown", [2])
    assert "response (status 200) was complete 1.500 s later" in finding.claim


def test_an_answer_of_which_the_client_took_a_part_is_told_from_a_slow_server() -> None:
    wire = Wire()
    wire.ask(0)
    response = wire.answer(80, size=1448).response
    assert response is not None
    wire.close(CLIENT, "rst", 80.2)
    wire.segment(SERVER, 81, length=1448)
    response.end, response.last_ns, response.last_packet = 2896, wire.rows[-1].time_ns, wire.rows[-1].packet
    finding = only(diagnose([wire.done("complete")]))
    assert (finding.code, finding.fault) == ("client-abort", "client")
    assert "in the middle of the response, before any close" in finding.claim


def test_the_end_of_a_body_without_length_may_have_been_its_end() -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, framing="close", declared=None, complete=False)
    wire.close(CLIENT, "fin", 500)
    wire.close(SERVER, "fin", 501)
    assert only(diagnose([wire.done("aborted")])).certainty == "possible"


def test_a_client_that_hangs_up_on_a_broken_response_is_not_the_one_at_fault() -> None:
    wire = Wire()
    wire.ask(0)
    response = wire.answer(80, framing="chunked", complete=False).response
    assert response is not None
    response.defects = ["a chunk size that is no number"]
    wire.close(CLIENT, "fin", 81)
    finding = only(diagnose([wire.done("aborted")]))
    assert (finding.code, finding.fault) == ("client-abort", "unknown")
    assert "breaks the rules" in finding.claim


def test_a_client_that_only_closed_its_own_direction_still_takes_the_answer() -> None:
    wire = Wire()
    wire.ask(0)
    wire.close(CLIENT, "fin", 1)
    wire.answer(5000)
    wire.ack(CLIENT, 5000.1)
    wire.close(SERVER, "fin", 5000.2)
    assert diagnose([wire.done("complete")]) == []


def test_a_request_that_never_arrived_is_told_from_one_that_was_not_answered() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(CLIENT, "fin", 5500)
    assert "had not acknowledged everything" in only(diagnose([wire.done("aborted")])).claim


def test_an_outcome_of_aborted_does_not_hide_that_the_server_was_first() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "fin", 580)
    wire.close(CLIENT, "fin", 581)
    assert only(diagnose([wire.done("aborted")])).code == "close-mid-request"


def test_a_reset_without_ack_from_our_side_may_be_our_host_s() -> None:
    """A connection that the kernel did not recognise is reset by the host, not by the program."""
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.answer(580, complete=False)
    wire.close(CLIENT, "rst", 600, bare=True, seq=150)
    assert only(diagnose([wire.done("aborted")])).certainty == "likely"


def test_a_client_that_stops_in_the_middle_of_its_request_is_told_as_such() -> None:
    wire = Wire()
    wire.ask(0, method="PUT", size=10_000, complete=False)
    wire.close(CLIENT, "rst", 100)
    finding = only(diagnose([wire.done("aborted")]))
    assert (finding.code, finding.fault) == ("client-abort", "client")
    assert "in the middle of sending the request" in finding.claim


def test_the_client_s_close_in_the_body_is_the_client_s() -> None:
    wire = half()
    wire.close(CLIENT, "fin", 600)
    wire.close(SERVER, "rst", 640)
    assert only(diagnose([wire.done("aborted")])).code == "client-abort"


@pytest.mark.parametrize(
    ("status", "given", "says"),
    [
        (200, None, "was given the whole (status 200, no Content-Range)"),
        (206, "bytes 0-999/1000", "was given one from byte 0 on"),
        (206, "bytes 500-999/1000", ""),
    ],
)
def test_a_client_that_resumes_a_download_leaves_where_it_does_not_get_the_rest(
    status: int, given: str | None, says: str
) -> None:
    """Curl -C - ends with 33 (EUDAT-B2SHARE/b2share#1875, IntersectMBO/cardano-db-sync#1149)."""
    wire = Wire()
    request = wire.ask(0).request
    response = wire.answer(80, status=status, complete=False).response
    assert request is not None
    assert response is not None
    request.headers.append(("Range", "bytes=500-"))
    response.headers += [] if given is None else [("Content-Range", given)]
    wire.close(CLIENT, "fin", 81)
    finding = only(diagnose([wire.done("aborted")]))
    assert finding.code == "client-abort"
    assert says in finding.claim
    assert ("asked for a part" in finding.claim) is bool(says)


def test_how_much_of_a_body_had_left_is_told() -> None:
    """Undici ends a connection over a body that is shorter than its Content-Length."""
    wire = Wire()
    request = wire.ask(0, method="POST", size=200, complete=False).request
    assert request is not None
    request.declared_size, request.body_size = 100, 60
    wire.close(CLIENT, "rst", 20)
    finding = only(diagnose([wire.done("aborted")]))
    assert (finding.code, finding.fault) == ("client-abort", "client")
    assert "60 of the 100 bytes of its body that it had declared" in finding.claim


@pytest.mark.parametrize(
    ("status", "side", "complete", "codes"),
    [
        (200, CLIENT, False, ["client-abort"]),
        (413, CLIENT, False, []),
        (200, SERVER, False, []),
        (200, CLIENT, True, []),
    ],
)
def test_an_upload_that_is_left_behind_a_success(
    status: int, side: Side, *, complete: bool, codes: list[str]
) -> None:
    """nodejs/undici#259, openai/openai-cli#65: the client stops at an early answer, and tells a success."""
    wire = Wire()
    request = wire.ask(0, method="PUT", size=200, complete=complete).request
    assert request
    request.declared_size, request.body_size = 100, 100 if complete else 40
    wire.answer(80, status=status)
    wire.close(side, "fin", 81)
    found = [finding for finding in diagnose([wire.done()]) if finding.code == "client-abort"]
    assert [finding.code for finding in found] == codes
    assert all("40 of the 100 bytes of its body" in finding.claim for finding in found)
    assert all((finding.fault, finding.certainty) == ("client", "likely") for finding in found)


def test_a_body_that_was_asked_for_first_need_not_be_sent() -> None:
    wire = Wire()
    request = wire.ask(0, method="PUT", size=200, complete=False).request
    assert request
    request.declared_size, request.body_size = 100, 0
    request.headers = [*request.headers, ("Expect", "100-continue")]
    wire.answer(80)
    wire.close(CLIENT, "fin", 81)
    assert "client-abort" not in {finding.code for finding in diagnose([wire.done()])}


@pytest.mark.parametrize(("status", "codes"), [(500, ["overload-5xx"]), (404, []), (200, ["client-abort"])])
def test_a_client_that_leaves_on_an_error_status_has_aborted_nothing(status: int, codes: list[str]) -> None:
    """``curl -f`` closes when it has the status, before the page is there."""
    wire = Wire()
    wire.ask(0)
    wire.answer(80, status=status, body=20, complete=False)
    wire.close(CLIENT, "fin", 81)
    assert [finding.code for finding in diagnose([wire.done("aborted")])] == codes


def test_a_client_that_waits_for_the_rest_of_an_error_page_gives_up() -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, status=500, body=20, complete=False)
    wire.close(CLIENT, "fin", 5080)
    assert only(diagnose([wire.done("aborted")])).code == "client-timeout-too-short"
