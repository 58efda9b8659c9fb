"""A GOAWAY with an error between two requests, and a program that failed over it."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.sayings import read_messages
from plainwire.diagnose.testimony.spoken_goaways import spoken_goaways
from tests.diagnose.causes.http2.multiplexed import Multiplexed
from tests.diagnose.testimony.speech import NODE, OWNER, account, judged, words

OVER = words("Error [ERR_HTTP2_SESSION_ERROR]: Session closed with error code 11", 900)


def _failed(exit_status: int) -> tuple[bool, str | None]:
    scene = Multiplexed().goaway(3, "ENHANCE_YOUR_CALM", at=400)
    scene.wire.answer(300)
    connection = scene.connection()
    connection.program = OWNER
    findings = diagnose([connection])
    events = account(OVER, process=NODE, status=exit_status)
    spoken_goaways([connection], findings, events, read_messages(events))
    (saying,) = judged([connection], findings, events).sayings
    return findings[0].failure, saying.code


def test_it_is_a_failure_where_the_program_failed_over_it() -> None:
    assert _failed(1) == (True, "goaway-error-enhance-your-calm")


def test_it_is_none_where_the_program_went_on() -> None:
    assert _failed(0)[0] is False
