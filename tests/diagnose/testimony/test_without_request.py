"""Failures without a request: what the program said of them, and what the capture holds beside."""

from __future__ import annotations

import errno

from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.without_request import unresolved_names
from plainwire.model import ACK, RST, Connection, Endpoint, Lookup, Process
from tests.diagnose.opening import Opening
from tests.diagnose.testimony.speech import OWNER, PID, account, error, judged, without_request, words
from tests.diagnose.wire import EPOCH_NS, MS, SERVER, Wire, only

CURL = Process(PID, "curl", "/usr/bin/curl", "curl", "8.5.0")
NAME = "api.example.org"
NOT_RESOLVED = f"curl: (6) Could not resolve host: {NAME}\n"
GAIERROR = "socket.gaierror: [Errno -2] Name or service not known\n"
POOL = "httpx.PoolTimeout\n"
FILES = "OSError: [Errno 24] Too many open files\n"


def lookup(
    name: str, at: float, code: str = "NXDOMAIN", *addresses: str, kind: str = "A", packet: int = 1
) -> Lookup:
    asked = EPOCH_NS + int(at * MS)
    answer = (packet + 1, asked + 20 * MS) if code else (None, None)
    return Lookup(
        name, kind, "192.0.2.7", "192.0.2.53", [(packet, asked)], answer[0], answer[1], code, addresses
    )


def owned(*asked: float, number: int = 1) -> Connection:
    wire = Wire(id=number, first_packet=100 * number, first_exchange=10 * number)
    for at in asked:
        wire.ok(at)
    connection = wire.done()
    connection.program = OWNER
    return connection


def waiting(number: int = 1) -> Connection:
    wire = Wire(id=number, first_packet=100 * number, first_exchange=10 * number)
    wire.ask(0)
    connection = wire.done("unseen")
    connection.program = OWNER
    return connection


def test_name_that_was_refused_and_that_the_program_complains_of() -> None:
    lookups = [lookup(NAME, 0), lookup(NAME, 0, kind="AAAA", packet=5)]
    finding = only(without_request([], lookups, account(words(NOT_RESOLVED, 30), process=CURL)))
    assert (finding.code, finding.connections, finding.failure) == ("dns-failure", [], True)
    assert f"{NAME} was not resolved" in finding.claim
    assert "192.0.2.53 answered NXDOMAIN" in finding.claim
    assert finding.packets == [1, 2, 5, 6]


def test_word_that_names_no_name_belongs_to_the_last_one_refused_before_it() -> None:
    lookups = [lookup("old.example.org", -60_000), lookup(NAME, 0, packet=5), lookup("later.org", 900)]
    finding = only(without_request([], lookups, account(words(GAIERROR, 30))))
    assert NAME in finding.claim


def test_search_list_is_not_taken_for_the_name() -> None:
    lookups = [lookup(NAME, 0), lookup(f"{NAME}.corp.example", 25, packet=5)]
    finding = only(without_request([], lookups, account(words(GAIERROR, 60))))
    assert finding.claim.startswith(f"The name {NAME} was")


def test_name_that_was_resolved_with_a_domain_appended_was_resolved() -> None:
    lookups = [lookup("api", 0), lookup("api.corp.example", 25, "NOERROR", "203.0.113.7")]
    assert without_request([], lookups, account(words(GAIERROR, 60))) == []


def test_names_that_others_asked_for_in_vain_are_not_told_without_a_word_of_the_program() -> None:
    assert without_request([], [lookup(NAME, 0)], account()) == []


def test_word_of_which_the_capture_holds_no_question_stays_unexplained() -> None:
    events = account(words(NOT_RESOLVED, 30), process=CURL)
    assert without_request([], [], events) == []
    assert judged([], [], events).sayings[0].code is None


def test_silent_name_server_is_named() -> None:
    finding = only(
        without_request([], [lookup(NAME, 0, "")], account(words(NOT_RESOLVED, 9_000), process=CURL))
    )
    assert "192.0.2.53 did not answer (A)" in finding.claim


def test_exit_status_stands_for_words_that_were_not_seen() -> None:
    events = account(process=CURL, status=6)
    events.ended_ns = EPOCH_NS + 40 * MS
    finding = only(without_request([], [lookup(NAME, 0)], events))
    assert "curl ended with exit status 6" in finding.program_says
    events.exit_status = 7  # a refused connection
    assert without_request([], [lookup(NAME, 0)], events) == []


def test_explained_word_is_not_told_as_unexplained() -> None:
    events = account(words(NOT_RESOLVED, 30), process=CURL)
    findings = without_request([], [lookup(NAME, 0)], events)
    given = judged([], findings, events)
    assert given.sayings[0].code == "dns-failure"
    assert given.remarks == []
    assert only(findings).program_says == "The program (curl 8.5.0) said (6) name not resolved."


def test_pool_whose_connections_were_all_busy() -> None:
    finding = only(without_request([waiting(), waiting(2)], [], account(words(POOL, 5_000))))
    assert (finding.code, finding.fault, finding.connections) == ("pool-wait", "client", [1, 2])
    assert (
        "2 connections were open then, 2 with an exchange under way, the oldest for 5.000 s" in finding.claim
    )
    assert "had not given" not in finding.claim


def test_pool_whose_connections_were_idle_on_the_wire_was_not_given_them_back() -> None:
    finding = only(without_request([owned(0)], [], account(words(POOL, 5_000))))
    assert "none with an exchange under way" in finding.claim
    assert "1 had nothing under way on the wire: the program had not given them back" in finding.claim


def test_pool_whose_connection_answered_just_before_the_program_spoke() -> None:
    """``asyncio.gather`` gives the error back together with the response that the pool waited for."""
    wire = Wire()
    wire.ask(0)
    wire.answer(4_990)
    connection = wire.done()
    connection.program = OWNER
    finding = only(without_request([connection], [], account(words(POOL, 5_000))))
    assert "1 with an exchange under way" in finding.claim


def test_pool_of_another_process_says_nothing() -> None:
    assert without_request([waiting()], [], account(words(POOL, 5_000, pid=9))) == []


def test_lack_of_descriptors_by_the_programs_words() -> None:
    finding = only(without_request([owned(0), waiting(2)], [], account(words(FILES, 5_000))))
    assert (finding.code, finding.fault) == ("local-resource", "client")
    assert "too many open files" in finding.claim
    assert "2 connections were open at that time" in finding.claim


def test_lack_of_ports_by_the_kernels_answer() -> None:
    events = account()
    events.errors = [error(errno.EADDRNOTAVAIL, 50, "connect")]
    finding = only(without_request([], [], events))
    assert "connect() failed with EADDRNOTAVAIL, once." in finding.claim


# --- a capture of nobody's in particular


def test_names_that_nobody_has_an_address_for_are_all_that_such_a_capture_tells() -> None:
    lookups = [
        lookup(NAME, 0),
        lookup(f"{NAME}.corp.example", 25, packet=5),
        lookup("b.example", 50, "REFUSED"),
    ]
    found = unresolved_names(lookups)
    assert [(each.code, each.failure, each.fault) for each in found] == [("dns-failure", True, "unknown")] * 2
    assert [each.claim.split()[2] for each in found] == [NAME, "b.example"]


def test_one_question_without_an_answer_may_be_where_the_capture_ends() -> None:
    assert unresolved_names([lookup(NAME, 0, "")]) == []
    again = lookup(NAME, 0, "")
    again.sent.append((9, EPOCH_NS + 5000 * MS))
    assert "did not answer" in only(unresolved_names([again])).claim


def test_name_with_an_address_in_another_answer_was_resolved() -> None:
    assert unresolved_names([lookup(NAME, 0, "SERVFAIL"), lookup(NAME, 9, "NOERROR", "203.0.113.7")]) == []
    assert unresolved_names([lookup(NAME, 0, "NOERROR", kind="AAAA")]) == []


def test_answer_without_an_address_is_told_where_the_program_complains() -> None:
    lookups = [lookup(NAME, 0, "NOERROR"), lookup(NAME, 0, "NOERROR", kind="AAAA", packet=5)]
    finding = only(without_request([], lookups, account(words(NOT_RESOLVED, 30), process=CURL)))
    assert (finding.code, "answered without an address (A)" in finding.claim) == ("dns-failure", True)
    assert without_request([], lookups, account()) == []


def test_cut_answer_behind_which_tcp_was_refused_is_told_by_the_connection() -> None:
    opening = Opening(server=Endpoint("192.0.2.53", 53)).syn(1)
    opening.segment(SERVER, 2, RST | ACK)
    cut = replace(lookup(NAME, 0, "NOERROR"), cut=True)
    refused = opening.done()
    refused.program = OWNER
    events = account(words(NOT_RESOLVED, 30), process=CURL)
    assert without_request([refused], [cut], events) == []
    finding = only(diagnose([refused], [cut]))
    assert (finding.code, "its answer over UDP had been cut" in finding.claim) == ("connection-refused", True)
    assert judged([refused], [finding], events).sayings[0].code == "connection-refused"
    assert "too long for UDP" in only(without_request([], [cut], events)).claim
