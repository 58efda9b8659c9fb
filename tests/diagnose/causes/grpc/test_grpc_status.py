"""A gRPC call ended with another status than OK: which, whose it is, and what the packets say of it."""

from __future__ import annotations

import pytest

from plainwire.diagnose import CAUSES, diagnose
from plainwire.diagnose.causes.grpc.statuses import GRPC_STATUS
from plainwire.model import Grpc

from .calls import Calls


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (2, "grpc-status-unknown", "server"),
        (3, "grpc-status-invalid-argument", "client"),
        (5, "grpc-status-not-found", "client"),
        (8, "grpc-status-resource-exhausted", "both"),
        (13, "grpc-status-internal", "server"),
        (16, "grpc-status-unauthenticated", "client"),
        (99, "grpc-status-other", "unknown"),
    ],
)
def test_each_status_is_a_code_and_names_a_party(status: int, code: str, fault: str) -> None:
    calls = Calls()
    calls.call(0, 0)
    failed = calls.call(500, status, message="no such order")
    finding = calls.finding()
    assert (finding.code, finding.fault, finding.certainty) == (code, fault, "proved")
    assert finding.exchanges == [failed.id]
    assert finding.claim.startswith("1 of 2 requests")
    assert [quoted.text for quoted in finding.quotes] == ["no such order"]
    assert "no such order" not in finding.claim


def test_every_registered_status_has_a_cause() -> None:
    names = {Grpc("", number).status_name for number in range(1, 17)}
    assert {GRPC_STATUS.code(name) for name in names} <= CAUSES.keys()
    assert not any(GRPC_STATUS.code(name).endswith("-other") for name in names)


def test_calls_with_status_ok_are_no_finding() -> None:
    calls = Calls()
    calls.call(0, 0)
    calls.call(500, 0)
    assert diagnose([calls.connection()]) == []


@pytest.mark.parametrize(("timeout", "after"), [(999, 1002), (2500, 2498), (300, 340)])
def test_a_deadline_that_the_client_had_set_is_told_from_the_time(timeout: float, after: float) -> None:
    calls = Calls()
    calls.call(0, 4, after=after, timeout=timeout)
    finding = calls.finding()
    assert (finding.code, finding.fault) == ("grpc-status-deadline-exceeded", "unknown")
    assert "the client's own deadline" in finding.claim
    assert "grpc-timeout" in finding.claim


@pytest.mark.parametrize("timeout", [None, 30_000])
def test_a_deadline_that_was_not_the_clients_is_the_servers(timeout: float | None) -> None:
    calls = Calls()
    calls.call(0, 4, after=1000, timeout=timeout)
    assert calls.finding().fault == "server"


def test_a_message_above_the_limit_that_the_server_names_is_measured() -> None:
    calls = Calls()
    words = "grpc: received message larger than max (5000000 vs. 4194304)"
    calls.call(0, 8, message=words, largest=(5_000_000, 0))
    finding = calls.finding()
    assert finding.fault == "both"
    assert "The client's message has 5000000 bytes, above the limit of 4194304" in finding.claim


def test_figures_that_were_not_seen_explain_nothing() -> None:
    calls = Calls()
    calls.call(0, 8, message="quota 1000 exceeded (1200)", largest=(50, 0))
    assert "limit of" not in calls.finding().claim


def test_a_goaway_before_it_explains_a_call_that_the_server_ended() -> None:
    calls = Calls()
    exchange = calls.call(0, 14, after=3000, message="max connection age")
    calls.goaway(2000, said="max_age")
    finding = calls.finding()
    assert (finding.code, finding.fault) == ("grpc-status-unavailable", "server")
    assert "GOAWAY (NO_ERROR), when that was 2.000 s old, and ended the call 1.000 s later" in finding.claim
    assert {quoted.text for quoted in finding.quotes} == {"max connection age", "max_age"}
    assert finding.exchanges == [exchange.id]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("upstream request timeout", "a time limit of its own"),
        ("upstream connect error or disconnect/reset before headers. reset reason: x", "could not connect"),
    ],
)
def test_a_message_in_a_proxys_own_words_names_the_proxy(message: str, says: str) -> None:
    calls = Calls()
    calls.call(0, 14, after=1001, message=message)
    finding = calls.finding()
    assert (finding.code, finding.fault) == ("grpc-status-unavailable", "server")
    assert "The message is Envoy's" in finding.claim
    assert says in finding.claim
