"""Clients that gave up a connect before their kernel would have sent the SYN again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import account as account_for
from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.sayings import read_messages
from plainwire.diagnose.testimony.unanswered_connects import unanswered_connects
from plainwire.model import Process
from tests.diagnose.opening import Opening
from tests.diagnose.testimony.speech import OWNER, PID, account, words
from tests.diagnose.wire import EPOCH_NS, MS, only

if TYPE_CHECKING:
    from plainwire.model import Finding, ProgramEvents, Sign

TIMED_OUT = words("requests.exceptions.ConnectTimeout: Connection to 192.0.2.1 timed out.", 700)


def _found(events: ProgramEvents, *syns: float) -> tuple[list[Finding], list[Sign]]:
    connection = Opening().syn(*(syns or (0,))).done()
    connection.program = OWNER
    findings = diagnose([connection])
    signs = account_for([connection], findings)
    return unanswered_connects([connection], findings, signs, events, read_messages(events)), signs


def test_what_the_program_says_shows_that_it_did_not_wait_for_the_second_syn() -> None:
    found, signs = _found(account(TIMED_OUT))
    finding = only(found)
    assert (finding.code, finding.fault, finding.certainty) == ("syn-timeout", "unknown", "likely")
    assert "sent once, and nothing came back in 700 ms" in finding.claim
    assert {sign.claimed_by for sign in signs} == {"syn-timeout"}


def test_the_exit_status_of_curl_shows_it_as_well() -> None:
    events = account(process=Process(PID, "curl", "/usr/bin/curl", "curl", "7.88.1"), status=28)
    events.ended_ns = EPOCH_NS + 1010 * MS
    assert only(_found(events)[0]).code == "syn-timeout"
    events.exit_status = 23
    assert not _found(events)[0]


def test_a_capture_that_ends_behind_a_syn_shows_nothing() -> None:
    assert not _found(account())[0]


def test_a_syn_that_was_sent_twice_has_its_finding_already() -> None:
    assert len(_found(account(TIMED_OUT), 0, 1000)[0]) == 1
