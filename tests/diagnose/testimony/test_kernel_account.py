"""The kernel's own words, beside the packets."""

from __future__ import annotations

import errno

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Finding, KernelReset, SocketError
from tests.diagnose.testimony.speech import OWNER, PID, account, judged
from tests.diagnose.wire import CLIENT_END, EPOCH_NS, MS, SERVER, SERVER_END, Wire, only


def reset_in_mid_request() -> Wire:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    wire.close(SERVER, "rst", 400)
    return wire


def told(*resets: KernelReset, error: SocketError | None = None) -> tuple[list[str], str]:
    connection = reset_in_mid_request().done("unanswered")
    connection.program = OWNER
    events = account()
    events.resets, events.errors = list(resets), [error] if error else []
    findings = diagnose([connection])
    judged([connection], findings, events)
    finding = only(findings)
    return [e.says for e in finding.evidence if "kernel says why" in e.says], finding.program_says


def kernel_reset(at: float, reason: str) -> KernelReset:
    return KernelReset(EPOCH_NS + int(at * MS), str(SERVER_END), str(CLIENT_END), "TCP_ESTABLISHED", reason)


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        (
            "TCP_ABORT_ON_CLOSE",
            (
                "the server's kernel says why it reset: TCP_ABORT_ON_CLOSE, its program closed the "
                "socket with bytes in it that it had not read"
            ),
        ),
        ("TCP_NEW_REASON", "the server's kernel says why it reset: TCP_NEW_REASON"),
        ("<b>", "the server's kernel says why it reset: a reason without a name"),
    ],
)
def test_reason_of_a_reset_is_evidence(reason: str, says: str) -> None:
    assert told(kernel_reset(400, reason))[0] == [says]


@pytest.mark.parametrize(("at", "reason"), [(400, ""), (400, "NOT_SPECIFIED"), (900, "NO_SOCKET")])
def test_no_reason_and_that_of_another_reset_are_not(at: float, reason: str) -> None:
    assert told(kernel_reset(at, reason))[0] == []


def test_a_reset_that_the_capture_missed_is_told_behind_the_last_packet() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(300)
    connection = wire.done("unanswered")
    connection.program = OWNER
    events = account()
    events.resets = [kernel_reset(400, "TCP_ABORT_ON_CLOSE"), kernel_reset(401, "NO_SOCKET")]
    finding = Finding("client-abort", "", "unknown", "likely", [2], [connection.id], [], "", failure=True)
    judged([connection], [finding], events)
    (evidence,) = finding.evidence
    assert evidence.packet == connection.last_packet
    assert evidence.says.startswith("the server's kernel says why it reset: TCP_ABORT_ON_CLOSE")
    assert evidence.says.endswith("the capture does not hold that reset, which came behind this")


def test_a_reset_of_the_next_connection_with_the_same_ports_is_not_this_ones() -> None:
    first, second = Wire(), Wire(id=2, start=5000.0)
    for wire in (first, second):
        wire.ok(0)
    before, after = first.done(), second.done()
    events = account()
    events.resets = [kernel_reset(5400, "NO_SOCKET")]
    finding = Finding("client-abort", "", "unknown", "likely", [], [before.id], [], "", failure=True)
    judged([before, after], [finding], events)
    assert finding.evidence == []


def test_without_the_kernels_account_nothing_is_missing_but_the_line() -> None:
    assert told()[0] == []


@pytest.mark.parametrize(
    ("acknowledged", "part"),
    [("start", "no byte of the request"), ("middle", "of the request"), ("end", "the whole request")],
)
def test_what_the_peer_had_acknowledged_is_said_of_the_request(acknowledged: str, part: str) -> None:
    request = reset_in_mid_request().done("unanswered").exchanges[-1].request
    assert request is not None
    offset = {"start": request.start, "middle": request.start + 1, "end": request.end}[acknowledged]
    error = SocketError(
        EPOCH_NS + 401 * MS, PID, str(CLIENT_END), None, "read", errno.ECONNRESET, acked=offset + 1
    )
    says = told(error=error)[1]
    amount = f"1 of {request.end - request.start} bytes {part}" if acknowledged == "middle" else part
    assert f"When it called read(), its peer had acknowledged {amount} (TCP_INFO)." in says


def test_a_kernel_that_does_not_tell_is_not_quoted() -> None:
    error = SocketError(EPOCH_NS + 401 * MS, PID, str(CLIENT_END), None, "read", errno.ECONNRESET)
    assert "TCP_INFO" not in told(error=error)[1]
