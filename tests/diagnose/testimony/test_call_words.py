"""Calls, WebSockets, model services, and words that any program may choose; the texts are theirs."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.sayings import sayings
from plainwire.diagnose.testimony.wording import Wire as Done
from plainwire.model import Words
from tests.diagnose.testimony.speech import NODE, OWNER, PID, PYTHON, UNKNOWN, account, judged, words
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, Wire

CUT_BY_ANYTHING = {Done.RESET, Done.CLOSE, Done.RESET_INSIDE, Done.CLOSE_INSIDE, Done.GOAWAY}


@pytest.mark.parametrize(
    ("text", "client", "some"),
    [
        ("EXC TimeoutError Deadline exceeded", "grpc", {Done.SILENCE}),
        ("GRPCError (<Status.UNAVAILABLE: 14>, \"Received :status = '504'\", None)", "grpc", {Done.STATUS}),
        ("StreamTerminatedError Connection lost", "grpc", CUT_BY_ANYTHING),
        ("StreamTerminatedError Protocol error", "grpc", {Done.GOAWAY}),
        ("\tstatus = StatusCode.DEADLINE_EXCEEDED", "grpc", {Done.CALL_STATUS, Done.SILENCE}),
        ("rpc error: code = Unavailable desc = error reading from server: EOF", "grpc", {Done.CLOSE}),
        ("rpc error: code = ResourceExhausted desc = too large", "grpc", {Done.CALL_STATUS}),
        ("Error: 4 DEADLINE_EXCEEDED: Deadline exceeded after 1.0s", "grpc", {Done.STALL}),
        (
            "websockets.exceptions.ConnectionClosedError: no close frame received or sent",
            "websockets",
            {Done.WEBSOCKET_CUT},
        ),
        (
            "ConnectionClosedError: received 1008 (policy violation) expired; then sent 1008 (policy",
            "websockets",
            {Done.WEBSOCKET_CLOSED},
        ),
        ("Error: Unexpected server response: 400", "websockets", {Done.STATUS}),
        (
            'botocore.exceptions.ReadTimeoutError: Read timeout on endpoint URL: "None"',
            "botocore",
            {Done.STALL},
        ),
        ("openai.APIError: Overloaded", "openai", {Done.EVENT_ERROR}),
    ],
)
def test_what_is_said_of_calls_and_websockets_is_known_in_every_runtime(
    text: str, client: str, some: set[Done]
) -> None:
    for process in (PYTHON, NODE, UNKNOWN):
        (said,) = sayings(account(words(f"failed: {text}\n", 0), process=process))
        assert said.client == client
        assert some <= said.wire


def test_a_close_frame_of_a_normal_end_is_no_error() -> None:
    assert sayings(account(words("received 1000 (OK); then sent 1000 (OK)\n", 0))) == []


def gave_up_after_silence() -> Wire:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    wire.close(CLIENT, "fin", 5300)
    return wire


def test_a_weak_word_is_tied_to_a_failure_that_it_fits() -> None:
    connection = gave_up_after_silence().done("unanswered")
    connection.program = OWNER
    findings = diagnose([connection])
    told = judged([connection], findings, account(words("timeout on request 2\n", 5301)))
    assert [said.exchange for said in told.sayings] == [2]


@pytest.mark.parametrize("text", ["using a timeout of 30\n", "Connection was closed by user\n"])
def test_a_weak_word_without_such_a_failure_explains_nothing_and_is_no_riddle(text: str) -> None:
    wire = Wire()
    wire.ok(0)
    connection = wire.done("complete")
    connection.program = OWNER
    told = judged([connection], diagnose([connection]), account(words(text, 10), status=0))
    assert told.remarks == []
    assert [said.why for said in told.sayings] == ["It fits no failure, and need not be about one."]


def test_a_weak_word_on_standard_output_is_data() -> None:
    printed = Words(EPOCH_NS + MS, PID, "using a timeout of 30\n", output="stdout")
    assert sayings(account(printed)) == []


def test_each_line_is_counted_and_those_of_no_failure_are_in_no_saying() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    wire.close(SERVER, "rst", 400)
    connection = wire.done("unanswered")
    connection.program = OWNER
    events = account(words("starting\nConnectionResetError: [Errno 104] reset\nbye\n", 401))
    told = judged([connection], diagnose([connection]), events)
    assert told.lines == 3
    assert sum(said.lines for said in told.sayings) == 1
