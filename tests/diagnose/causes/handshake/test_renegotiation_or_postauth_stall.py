"""Servers that ask for another handshake in the middle, and clients that do not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Afterwards, Gap, StreamEvent, Undecrypted
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import AfterwardsKind, Connection, Side

CODE = "renegotiation-or-postauth-stall"


class Asking:
    """A request, and what the server and the client say of another handshake."""

    def __init__(self, protocol: str = "http/1.1", status: int | None = None) -> None:
        self.wire = Wire()
        self.wire.ok(0)
        self.wire.ask(500).protocol = "h2" if protocol == "h2" else "http/1.1"
        self.wire.exchanges[0].protocol = self.wire.exchanges[1].protocol
        self.said: list[Afterwards] = []
        self.offered = False
        self.status = status

    def say(self, side: Side, kind: AfterwardsKind, at: float) -> Asking:
        row = self.wire.segment(side, at, length=60)
        self.said.append(Afterwards(kind, row.packet, row.time_ns, row.seq))
        self.wire.segment(side.peer, at + 1)  # acknowledged
        return self

    def done(self) -> Connection:
        if self.status is not None:
            self.wire.answer(1500, status=self.status)
        connection = self.wire.done(None if self.status is not None else "unanswered")
        assert connection.tls is not None
        connection.tls.afterwards, connection.tls.post_handshake_auth = self.said, self.offered
        return connection


def test_a_refusal_and_the_server_s_alert_prove_it() -> None:
    asking = Asking().say(SERVER, "hello_request", 600).say(CLIENT, "no_renegotiation", 602)
    asking.wire.close(SERVER, "alert", 690, detail="handshake_failure")
    finding = only(diagnose([asking.done()]))
    assert (finding.code, finding.fault, finding.certainty) == (CODE, "both", "proved")
    assert finding.packets == [3, 4, 6, 8]
    assert finding.exchanges == [2]


def test_a_refusal_after_which_the_client_hangs_up() -> None:
    """As Go does."""
    asking = Asking().say(SERVER, "hello_request", 600).say(CLIENT, "no_renegotiation", 602)
    asking.wire.close(CLIENT, "fin", 603)
    finding = only(diagnose([asking.done()]))
    assert (finding.code, finding.certainty) == (CODE, "likely")


@pytest.mark.parametrize(
    ("protocol", "question", "offered", "fault"),
    [
        ("http/1.1", "hello_request", False, "both"),
        ("http/1.1", "certificate_request", True, "client"),
        ("http/1.1", "certificate_request", False, "server"),
        ("h2", "certificate_request", True, "server"),
    ],
)
def test_whose_duty_was_not_done_the_protocol_says(
    protocol: str,
    question: AfterwardsKind,
    offered: bool,  # noqa: FBT001
    fault: str,
) -> None:
    asking = Asking(protocol).say(SERVER, question, 600)
    asking.offered = offered
    asking.wire.close(CLIENT, "fin", 3000)
    finding = only(diagnose([asking.done()]))
    assert (finding.code, finding.fault, finding.certainty) == (CODE, fault, "likely")
    assert "2.400 s after the question" in finding.claim


def test_a_client_that_answers_the_question_with_a_fatal_alert() -> None:
    asking = Asking().say(SERVER, "certificate_request", 600)
    asking.wire.close(CLIENT, "alert", 601, detail="unexpected_message")
    assert only(diagnose([asking.done()])).code == CODE


def test_a_close_right_behind_the_question_has_another_reason() -> None:
    asking = Asking().say(SERVER, "hello_request", 600)
    asking.wire.close(SERVER, "fin", 601)
    assert only(diagnose([asking.done()])).code == "close-mid-request"


def test_a_question_that_the_client_never_had() -> None:
    asking = Asking()
    row = asking.wire.segment(SERVER, 600, length=60)
    asking.said.append(Afterwards("hello_request", row.packet, row.time_ns, row.seq))
    asking.wire.close(CLIENT, "fin", 3000, ack=row.seq)
    assert CODE not in {finding.code for finding in diagnose([asking.done()])}


@pytest.mark.parametrize(
    ("question", "answer"), [("hello_request", "client_hello"), ("certificate_request", "certificate")]
)
def test_what_was_answered_is_not_the_cause(question: AfterwardsKind, answer: AfterwardsKind) -> None:
    asking = Asking().say(SERVER, question, 600).say(CLIENT, answer, 602)
    asking.wire.close(SERVER, "fin", 3000)
    assert only(diagnose([asking.done()])).code == "close-mid-request"
    for status in (200, 403):
        asking = Asking(status=status).say(SERVER, question, 600).say(CLIENT, answer, 602)
        assert diagnose([asking.done()]) == []


def test_an_answer_without_a_certificate_and_then_403() -> None:
    asking = Asking(status=403).say(SERVER, "certificate_request", 600)
    asking.say(CLIENT, "empty_certificate", 602).offered = True
    finding = only(diagnose([asking.done()]))
    assert (finding.code, finding.fault, finding.certainty) == (CODE, "client", "likely")


def test_after_an_answer_without_a_certificate_the_server_s_alert_names_itself() -> None:
    asking = Asking().say(SERVER, "certificate_request", 600).say(CLIENT, "empty_certificate", 602)
    asking.wire.exchanges.pop(0)
    asking.wire.close(SERVER, "alert", 690, detail="certificate_required")
    assert only(diagnose([asking.done()])).code == "tls-alert-certificate-required"


def test_no_answer_and_403_after_a_while() -> None:
    assert only(diagnose([Asking(status=403).say(SERVER, "hello_request", 600).done()])).code == CODE
    assert diagnose([Asking(status=403).say(SERVER, "hello_request", 1400).done()]) == []
    assert diagnose([Asking(status=403).done()]) == []


def test_no_answer_that_did_no_harm() -> None:
    assert diagnose([Asking(status=200).say(SERVER, "hello_request", 600).done()]) == []


def test_a_question_before_the_request_is_not_the_request_s() -> None:
    asking = Asking()
    asking.say(SERVER, "hello_request", 300)
    asking.wire.close(SERVER, "fin", 700)
    assert only(diagnose([asking.done()])).code == "close-mid-request"


def test_a_stream_that_had_been_reset_before_the_question() -> None:
    asking = Asking("h2")
    asking.wire.exchanges[1].reset = StreamEvent(
        "rst_stream", SERVER, EPOCH_NS + 580 * MS, 4, stream=3, code=2, name="INTERNAL_ERROR"
    )
    asking.say(SERVER, "certificate_request", 600)
    asking.wire.close(CLIENT, "fin", 3000)
    assert only(diagnose([asking.done()])).code == "h2-stream-reset-internal-error"


@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_what_could_not_be_read_may_be_the_client_s_answer(side: Side) -> None:
    holed, unread = (Asking(status=403).say(SERVER, "hello_request", 600).done() for _ in range(2))
    holed.gaps.append(Gap(side, 250, 60, 5))
    unread.undecrypted.append(Undecrypted("gap at record 7", side, 5))
    for connection in (holed, unread):
        found = {finding.code for finding in diagnose([connection])}
        assert (CODE in found) == (side == SERVER)
