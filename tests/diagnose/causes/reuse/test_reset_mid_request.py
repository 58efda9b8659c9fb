"""The server had the request and the connection was reset without an answer."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Endpoint
from tests.diagnose.causes.reuse.hangups import verdict
from tests.diagnose.wire import MS, SERVER, Wire, only


def reset(ttl: int | None = None) -> Wire:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", 580, ttl=ttl)
    return wire


def test_the_lab_s_marks_of_a_reset_in_mid_request() -> None:
    """RST, ACK with Ack=788, request 689 to 788 in the lab's numbers: a server that set SO_LINGER to 0."""
    wire = Wire(rtt=81)
    wire.ask(0, size=688)
    wire.answer(81)
    request = wire.ask(500, size=99).request
    close = wire.close(SERVER, "rst", 600)
    assert request is not None
    assert (request.start + 1, request.end + 1, (close.ack or 0) + 1) == (689, 788, 788)
    assert verdict(wire).code == "reset-mid-request"


def test_a_reset_from_afar_is_only_likely_the_server_s_though_it_had_the_request() -> None:
    finding = verdict(reset())
    assert (finding.code, finding.fault, finding.certainty) == ("reset-mid-request", "server", "likely")
    assert "had acknowledged the whole request" in finding.claim


def test_on_one_host_nothing_else_can_have_sent_the_reset() -> None:
    wire = Wire(client=Endpoint("127.0.0.1", 40000), server=Endpoint("127.0.0.1", 8443), rtt=0.05)
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", 501)
    assert verdict(wire).certainty == "proved"


def test_a_reset_without_ack_after_an_acknowledged_request_accuses_nobody() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.ack(SERVER, 580)
    wire.close(SERVER, "rst", 900, bare=True)
    finding = verdict(wire)
    assert (finding.code, finding.fault, finding.certainty) == ("reset-mid-request", "unknown", "possible")


@pytest.mark.parametrize(
    ("method", "safe"), [("GET", True), ("PUT", True), ("POST", False), ("PATCH", False)]
)
def test_only_an_idempotent_request_may_be_repeated_after_the_server_had_it(
    method: str, *, safe: bool
) -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500, method=method)
    wire.close(SERVER, "rst", 580)
    assert verdict(wire).retry_safe is safe


def upload(quiet: float) -> Connection:
    """A request of 50,000 bytes of which 10,000 had arrived when the server reset the connection."""
    wire = Wire()
    wire.ok(0)
    request = wire.ask(500, method="PUT", size=50_000, complete=True).request
    assert request is not None
    request.last_ns += int(60 * MS)
    wire.close(SERVER, "rst", 580 + quiet, ack=request.start + 10_000)
    return wire.done("unanswered")


def test_a_reset_during_the_upload_tells_how_much_had_arrived() -> None:
    finding = only(diagnose([upload(0)]))
    assert (finding.code, finding.fault) == ("reset-mid-request", "server")
    assert "only the first 10000 of 50000 bytes" in finding.claim


def test_a_reset_after_the_upload_had_stalled_accuses_nobody() -> None:
    assert only(diagnose([upload(5000)])).fault == "unknown"


def told_by_sockets(
    *, idle: float = 400, waited: float = 90, method: str = "GET", rtt: float = 80
) -> Connection:
    """A request on a connection that the program's calls tell of: what the RST acknowledged is not known."""
    wire = Wire(rtt=rtt)
    wire.ok(0)
    wire.ask(80 + idle, method=method)
    wire.close(SERVER, "rst", 80 + idle + waited, bare=True)
    wire.closes[-1] = replace(wire.closes[-1], from_sockets=True)
    return wire.done("unanswered")


def test_a_reset_that_the_program_was_told_of_in_the_midst_of_use_answered_the_request() -> None:
    finding = only(diagnose([told_by_sockets(method="POST")]))
    assert (finding.code, finding.fault, finding.certainty) == ("reset-mid-request", "server", "likely")
    assert finding.retry_safe is False
    assert "Whether it acknowledged that, the program's kernel does not tell" in finding.claim


@pytest.mark.parametrize(("idle", "waited"), [(1100, 90), (600_000, 90), (400, 70)])
def test_one_after_idleness_or_within_a_round_trip_accuses_nobody(idle: float, waited: float) -> None:
    """The server, or something on the way, may have let go of the connection before."""
    finding = only(diagnose([told_by_sockets(idle=idle, waited=waited)]))
    assert (finding.code, finding.fault) == ("unexplained", "unknown")
    assert "of what a RST acknowledges it tells nothing" in finding.claim


def test_a_round_trip_is_the_shortest_that_any_connection_to_the_server_shows() -> None:
    """The connection's own was lengthened: its program waited for a processor."""
    quick = Wire(rtt=2)
    quick.ok(0)
    slowed = replace(told_by_sockets(idle=400, waited=70), id=2)
    assert only(diagnose([quick.done(), slowed])).code == "reset-mid-request"
