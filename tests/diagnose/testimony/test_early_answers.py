"""Early answers, by the program's word: which it got, and which it lost."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.early_answers import answers_lost, answers_taken
from plainwire.diagnose.testimony.sayings import read_messages
from plainwire.model import StreamEvent
from tests.diagnose.causes.reuse.test_early_response_reset import upload
from tests.diagnose.testimony.speech import JAVA, OWNER, account, words
from tests.diagnose.wire import SERVER, only

BROKEN_PIPE = "httpx.WriteError: [Errno 32] Broken pipe\n"


@pytest.mark.parametrize(
    ("status", "said", "failure"), [(0, "", False), (0, BROKEN_PIPE, True), (1, "", True), (None, "", True)]
)
def test_a_program_that_ended_well_and_said_nothing(status: int | None, said: str, *, failure: bool) -> None:
    wire = upload()
    wire.close(SERVER, "rst", 88, ack=1400)
    connection = wire.done("complete")
    connection.program = OWNER
    findings = diagnose([connection])
    events = account(*([words(said, 200)] if said else []), status=status)
    answers_taken([connection], findings, events, read_messages(events))
    finding = only(findings)
    assert finding.failure is failure
    assert ("got the answer all the same" in finding.claim) is not failure


@pytest.mark.parametrize(
    ("code", "said", "found"),
    [
        ("CANCEL", "java.io.IOException: RST_STREAM received\n", True),
        ("NO_ERROR", "java.io.IOException: RST_STREAM received\n", False),
        ("CANCEL", "java.io.IOException: something else\n", False),
    ],
)
def test_a_stream_that_was_answered_and_reset(code: str, said: str, *, found: bool) -> None:
    """Jetty 12.1 and the JDK's client; curl, Go, Node and reqwest take the answer."""
    connection = upload().done("complete")
    connection.program = OWNER
    (exchange,) = connection.exchanges
    exchange.reset = StreamEvent("rst_stream", SERVER, connection.last_ns, 90, 1, 8, code)
    events = account(words(said, 200), process=JAVA)
    findings = answers_lost([connection], events, read_messages(events), [])
    assert [(f.code, f.fault, f.exchanges) for f in findings] == (
        [("early-response-reset", "server", [exchange.id])] if found else []
    )
