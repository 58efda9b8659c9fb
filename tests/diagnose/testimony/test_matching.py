"""What the program said, held against the wire."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from plainwire.model import Content, Finding, Process, Reused, SocketClose, Words
from tests.diagnose.testimony.speech import (
    NODE,
    OWNER,
    PID,
    PYTHON_3_13,
    REMOTE_DISCONNECTED,
    UNKNOWN,
    account,
    error,
    judged,
    words,
)
from tests.diagnose.wire import CLIENT, CLIENT_END, EPOCH_NS, SERVER, SERVER_END, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection, Outcome, ProgramEvents, Testimony


def owned(wire: Wire, outcome: Outcome = "unanswered") -> Connection:
    connection = wire.done(outcome)
    connection.program = OWNER
    return connection


def reset_mid_request() -> Connection:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    wire.close(SERVER, "rst", 400)
    return owned(wire)


def closed_mid_request() -> Connection:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    wire.close(SERVER, "fin", 400)
    return owned(wire)


def heard(connection: Connection, events: ProgramEvents) -> tuple[str, Testimony]:
    findings: list[Finding] = diagnose([connection])
    account_given = judged([connection], findings, events)
    return only(findings).program_says, account_given


def test_words_that_a_version_has_for_a_reset_and_a_close_are_said_to_tell_nothing() -> None:
    says, account_given = heard(reset_mid_request(), account(words(REMOTE_DISCONNECTED, 401)))
    assert says.startswith(
        "The program (http.client on Python 3.11.2) said RemoteDisconnected 1.00 ms after packet "
    )
    assert "the wire shows a reset before any byte of the response" in says
    assert "cannot tell the two apart" in says
    assert account_given.sayings[0].exchange == 2


def test_words_that_the_wire_contradicts_are_named() -> None:
    says, _ = heard(reset_mid_request(), account(words(REMOTE_DISCONNECTED, 401), process=PYTHON_3_13))
    assert "contradict each other" in says


def test_words_that_mean_just_what_the_wire_shows_are_confirmed() -> None:
    says, _ = heard(closed_mid_request(), account(words(REMOTE_DISCONNECTED, 401), process=PYTHON_3_13))
    assert "That is what the wire shows: a close before any byte of the response." in says


def test_what_the_kernel_told_the_program_is_told_with_its_packet() -> None:
    events = account()
    events.errors = [error(errno.ECONNRESET, 401)]
    says, account_given = heard(reset_mid_request(), events)
    assert "Its read() failed with ECONNRESET, 1.00 ms after packet" in says
    assert account_given.errors == {"ECONNRESET": 1}


def test_failure_that_the_program_says_nothing_of_is_told_as_such() -> None:
    says, _ = heard(reset_mid_request(), account(status=0))
    assert says == "Nothing about it was seen in its output; it ended with status 0."


def test_words_of_another_process_do_not_belong_to_a_connection() -> None:
    events = account(words(REMOTE_DISCONNECTED, 401, pid=9))
    _, account_given = heard(reset_mid_request(), events)
    assert account_given.sayings[0].exchange is None


def test_words_before_the_request_do_not_belong_to_it() -> None:
    _, account_given = heard(reset_mid_request(), account(words(REMOTE_DISCONNECTED, 100)))
    assert account_given.sayings[0].exchange is None


def test_each_failure_gets_its_own_words_and_the_rest_is_counted() -> None:
    connections = []
    for number in range(3):
        wire = Wire(
            id=number + 1, first_exchange=10 * number + 1, first_packet=100 * number + 1, start=1000 * number
        )
        wire.ok(0)
        wire.ask(300)
        wire.close(SERVER, "rst", 400)
        connections.append(owned(wire))
    findings = diagnose(connections)
    events = account(words(REMOTE_DISCONNECTED, 401), words(REMOTE_DISCONNECTED, 2401))
    account_given = judged(connections, findings, events)
    assert [saying.exchange for saying in account_given.sayings] == [2, 22]
    assert "It was seen to speak of 2 of these 3 failures." in only(findings).program_says


def test_error_that_nothing_on_the_wire_explains_is_told() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "fin", 200)
    connection = wire.done()
    connection.program = OWNER
    text = 'Traceback (most recent call last):\n  File "test.py", line 3\nKeyError: 3\n'
    account_given = judged([connection], [], account(words(text, 150)))
    assert account_given.sayings[0].exchange is None
    assert account_given.remarks[0].startswith("Nothing that was seen on the wire explains")
    assert account_given.remarks[1] == "The program ended with status 1; no request failed on the wire."


def test_words_are_not_said_to_be_unexplained_where_the_wire_could_not_be_read() -> None:
    """As with a program whose secrets cannot be had."""
    account_given = judged([], [], account(words('Get "https://a/b": EOF\n', 150), process=UNKNOWN))
    (remark,) = account_given.remarks
    assert remark.startswith("What the program said cannot be held against the wire")


def test_healthy_program_is_told_nothing_of() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "fin", 200)
    account_given = judged([wire.done()], [], account(words("200 OK, all closed, 0 errors\n", 150), status=0))
    assert (account_given.sayings, account_given.remarks) == ([], [])


def test_whole_response_in_the_capture_is_named_where_the_program_reports_a_broken_pipe() -> None:
    wire = Wire()
    request = wire.ask(0, method="POST", size=50_000, complete=False).request
    assert request
    request.declared_size = 80_000
    wire.answer(100, status=413, close=True)
    wire.close(SERVER, "rst", 101)
    connection = wire.done()
    connection.program = OWNER
    events = account(words("BrokenPipeError: [Errno 32] Broken pipe\n", 103))
    events.errors = [error(errno.EPIPE, 102, "send")]
    findings = diagnose([connection])
    judged([connection], findings, events)
    says = next(finding.program_says for finding in findings if finding.program_says)
    assert "The capture holds a whole response with status 413" in says


def test_client_that_gives_up_is_told_to_have_closed_the_socket_itself() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    wire.ack(SERVER, 380)
    wire.close(CLIENT, "fin", 2300)
    events = account(words("TimeoutError: The read operation timed out\n", 2299))
    closed = EPOCH_NS + 2_299_500_000
    events.closes = [SocketClose(closed, PID, str(CLIENT_END), str(SERVER_END), "close", 0)]
    says, _ = heard(owned(wire, "aborted"), events)
    assert "said the read timed out 1.00 ms before packet" in says
    assert "It ended the connection itself, by close()." in says


def test_words_are_in_no_sentence_of_a_finding() -> None:
    """Whatever the program, or a server through it, makes of them."""
    text = "http.client.RemoteDisconnected: \x1b[2J token=abcdef\n"
    says, account_given = heard(reset_mid_request(), account(words(text, 401)))
    told = " ".join([says, *account_given.remarks, *(saying.label for saying in account_given.sayings)])
    assert "\x1b" not in told
    assert "abcdef" not in told


BAD_RECORD = "ssl.SSLError: [SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] decryption failed (_ssl.c:2580)\n"
"""As CPython 3.11 says in one of two processes on a connection."""


def test_a_record_that_does_not_authenticate_is_what_the_alert_is_about() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    wire.close(SERVER, "alert", 400, detail="bad_record_mac")
    says, _ = heard(owned(wire), account(words(BAD_RECORD, 401)))
    assert says.startswith("The program (Python 3.11.2) said BAD_RECORD_MAC 1.00 ms after packet 4. ")
    assert "a TLS record that does not authenticate" in says


def test_what_a_process_says_when_another_one_ended_tls_for_it() -> None:
    wire = Wire()
    wire.ok(0)
    ending = wire.close(CLIENT, "close_notify", 300)
    wire.close(SERVER, "fin", 380)
    request = wire.ask(500).request
    connection = owned(wire)
    assert request is not None
    assert connection.tls is not None
    connection.tls.reused.append(
        Reused(CLIENT, 2, ending.seq, request.start, request.packet, request.time_ns)
    )
    says, _ = heard(connection, account(words(REMOTE_DISCONNECTED, 501)))
    assert "said RemoteDisconnected" in says


def test_what_comes_after_the_program_spoke_of_it_is_not_proved_to_be_why() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    wire.close(SERVER, "close_notify", 400)
    connection = owned(wire)
    findings: list[Finding] = diagnose([connection])
    assert only(findings).certainty == "proved"
    judged([connection], findings, account(words(REMOTE_DISCONNECTED, 350)))
    assert only(findings).certainty == "likely"


def test_a_client_may_speak_of_its_own_limit_before_it_closes() -> None:
    wire = Wire()
    wire.ask(0)
    wire.ack(SERVER, 90)
    wire.close(CLIENT, "fin", 5010)
    connection = owned(wire)
    findings: list[Finding] = diagnose([connection])
    before = only(findings).certainty
    judged([connection], findings, account(words("TimeoutError: The read operation timed out\n", 5000)))
    assert only(findings).certainty == before


def test_lines_that_were_kept_back_go_by_the_paths_in_them_and_else_in_their_order() -> None:
    """Standard output into a pipe: all of it comes in one write, when the program ends."""
    connections = []
    for number in range(3):
        wire = Wire(
            id=number + 1, first_exchange=10 * number + 1, first_packet=100 * number + 1, start=1000 * number
        )
        wire.ok(0)
        wire.ask(300, f"/object-{number + 1}?sig=1")
        wire.close(SERVER, "rst", 400)
        connections.append(owned(wire))
    findings = diagnose(connections)
    lines = [
        "GET /object-3: ConnectionResetError: [Errno 104] Connection reset by peer",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
    ]
    printed = [
        Words(EPOCH_NS + 5_000_000_000, PID, f"{line}\n", output="stdout", buffered=True) for line in lines
    ]
    account_given = judged(connections, findings, account(*printed, words(REMOTE_DISCONNECTED, 1401)))
    assert [(saying.exchange, saying.untimed) for saying in account_given.sayings] == [
        (12, False),
        (22, True),
        (2, True),
        (12, True),
    ]
    (finding,) = findings
    assert "Nothing about it" not in finding.program_says


def test_what_curl_prints_is_what_it_fetched() -> None:
    printed = Words(EPOCH_NS + 401_000_000, PID, "Connection reset by peer\n", output="stdout")
    process = Process(PID, "curl", "/usr/bin/curl", runtime="curl", version="7.88.1")
    _, account_given = heard(reset_mid_request(), account(printed, process=process))
    assert account_given.sayings == []


def test_words_about_a_whole_response_that_a_finding_explains_are_its_own() -> None:
    """A body that does not decode is complete on the wire; clients word it in many ways."""
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    response.content = Content(["gzip"], 50, complete=False, defect="corrupt gzip in bytes 0 to 100")
    connection = owned(wire, "complete")
    findings: list[Finding] = diagnose([connection])
    given = judged([connection], findings, account(words(REMOTE_DISCONNECTED, 90)))
    assert [saying.code for saying in given.sayings] == ["content-encoding-corrupt"]
    assert given.remarks == []


def test_a_response_that_some_clients_refuse_explains_what_the_program_said() -> None:
    """Node refuses two lengths that differ (HPE_UNEXPECTED_CONTENT_LENGTH), curl takes the first."""
    wire = Wire()
    wire.ok(0)
    connection = wire.done()
    connection.program = OWNER
    finding = Finding(
        code="bad-framing",
        claim="",
        fault="server",
        certainty="likely",
        exchanges=[1],
        connections=[connection.id],
        evidence=[],
        refuted_by="",
        failure=False,
    )
    said = words("Parse Error: HPE_UNEXPECTED_CONTENT_LENGTH\n", 200)
    told = judged([connection], [finding], account(said, process=NODE))
    assert [saying.code for saying in told.sayings] == ["bad-framing"]
    assert not told.remarks


def test_refused_attempt_that_the_program_spoke_of_is_a_failure_though_a_later_one_was_accepted() -> None:
    wire = Wire()
    wire.close(SERVER, "rst", 10)
    refused = owned(wire)
    refused.established, refused.exchanges = False, []
    finding = Finding("connection-refused", "", "server", "likely", [], [refused.id], [], "", failure=False)
    silent = Finding("connection-refused", "", "server", "likely", [], [refused.id], [], "", failure=False)
    said = "ConnectionRefusedError: [Errno 111] Connection refused\n"
    judged([refused], [finding], account(words(said, 20)))
    judged([refused], [silent], account())
    assert (finding.failure, silent.failure) == (True, False)
    assert "That is what the wire shows: a refused connect." in finding.program_says
