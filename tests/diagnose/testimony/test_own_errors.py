"""What only curl's exit status tells."""

from __future__ import annotations

from msgspec.structs import replace

from plainwire.diagnose import account as account_for
from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.own_errors import own_errors
from plainwire.model import Finding, Process, ProgramEvents
from tests.diagnose.testimony.speech import OWNER, PID, account
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

CURL = Process(PID, "curl", "/usr/bin/curl", "curl", "7.88.1")


def _ended(status: int) -> ProgramEvents:
    return account(process=replace(CURL, exit_status=status), status=status)


def _answered(*, left: bool = False) -> Wire:
    wire = Wire()
    wire.ok(0)
    if left:
        wire.ask(500)
        wire.close(CLIENT, "fin", 600)
    return wire


def _found(wire: Wire | None, events: ProgramEvents) -> list[Finding]:
    connections = [] if wire is None else [wire.done("aborted" if len(wire.exchanges) > 1 else None)]
    for connection in connections:
        connection.program = OWNER
    findings = diagnose(connections)
    signs = account_for(connections, findings)
    return own_errors(connections, findings, signs, events)


def test_a_whole_answer_and_a_status_of_its_own() -> None:
    finding = only(_found(_answered(), _ended(23)))
    assert (finding.code, finding.fault, finding.failure) == ("client-own-error", "client", True)
    assert "exit status 23: it could not write what it received" in finding.claim


def test_a_failure_that_a_finding_explains_is_told_once() -> None:
    finding = only(_found(_answered(left=True), _ended(63)))
    assert finding.code == "client-abort"


def test_a_status_about_the_network_is_not_its_own() -> None:
    assert not _found(_answered(), _ended(56))


def test_other_programs_have_other_numbers() -> None:
    assert not _found(_answered(), account(status=23))


def test_a_program_that_came_to_no_socket_is_known_by_its_name() -> None:
    """Curl of a malformed URL (curl/curl#11566) makes no connection, so that no process was seen."""
    events = ProgramEvents(command=["/usr/bin/curl", "http://a b/"], pid=PID, exit_status=3)
    assert "the URL is malformed. No request went out" in only(_found(None, events)).claim


def test_what_nothing_explained_is_explained_by_the_status() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", 900, bare=True)
    connection = wire.done("unanswered")
    connection.program = OWNER
    weak = Finding(
        code="unexplained",
        claim="",
        fault="unknown",
        certainty="possible",
        exchanges=[],
        connections=[connection.id],
        evidence=[],
        refuted_by="",
        failure=True,
    )
    assert only(own_errors([connection], [weak], [], _ended(90))).code == "client-own-error"
