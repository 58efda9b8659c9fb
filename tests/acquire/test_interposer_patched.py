"""Every secret of programs and libraries that have TLS of their own inside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.acquire.conftest import CLIENTS, python
from tests.needs import needs, tool

if TYPE_CHECKING:
    from tests.acquire.conftest import Outcome, Run
    from tests.acquire.tls_server import TlsServer


def assert_all_are_had(outcome: Outcome, server: TlsServer, library: str) -> None:
    assert outcome.keys == server.secrets()
    told = [json.loads(line) for line in outcome.lines("tls")]
    assert {event["how"] for event in told} == {"patch"}
    assert [event["library"] for event in told if library not in event["library"]] == []
    assert len(told) == len({line.split()[1] for line in server.secrets()})
    assert outcome.lines("unreached") == []


def test_node(run: Run, server: TlsServer) -> None:
    outcome = run(tool("node"), CLIENTS / "in_node.js", str(server.port), server.certificate)
    assert (outcome.status, outcome.output) == (0, "200\n200\nundefined []\n"), outcome.errors
    assert_all_are_had(outcome, server, "node")


@pytest.mark.parametrize(
    ("client", "library", "output"),
    [("with_httpr", "httpr", "200\n"), ("with_rnet", "rnet", "200\n")],
    ids=["rustls", "boringssl"],
)
def test_rust_library_inside_python(
    run: Run, server: TlsServer, client: str, library: str, output: str
) -> None:
    outcome = run(*python(client, server))
    assert (outcome.status, outcome.output) == (0, output), outcome.errors
    assert_all_are_had(outcome, server, library)


def test_nss_without_a_key_log(run: Run, server: TlsServer) -> None:
    """As Debian builds it. It comes as what a library needs that is loaded late."""
    needs("tstclnt")
    outcome = run(*python("with_nss", server))
    assert (outcome.status, outcome.output) == (0, "200\n"), outcome.errors
    assert_all_are_had(outcome, server, "libssl3.so")


def test_erlang(run: Run, server: TlsServer) -> None:
    """Its TLS is its own; what it reckons with is OpenSSL's."""
    outcome = run(tool("escript"), CLIENTS / "in_erlang.escript", str(server.port))
    assert (outcome.status, outcome.output) == (0, "200\n"), outcome.errors
    assert_all_are_had(outcome, server, "crypto.so")


def test_openssl_inside_another_library_in_threads_and_forks(run: Run, server: TlsServer) -> None:
    threads, forks = 12, 8
    outcome = run(*python("with_pyopenssl", server, str(threads), str(forks)))
    assert (outcome.status, outcome.output) == (0, "done\n"), outcome.errors
    assert_all_are_had(outcome, server, "cryptography")
    told = [json.loads(line) for line in outcome.lines("tls")]
    assert len(told) == threads + forks
    assert len({event["pid"] for event in told}) == 1 + forks
