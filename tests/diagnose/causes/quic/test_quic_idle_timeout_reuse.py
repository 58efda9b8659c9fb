"""The request left after the connection's idle timeout."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import QuicInfo
from tests.diagnose.causes.http2.multiplexed import Multiplexed
from tests.diagnose.wire import MS


@pytest.mark.parametrize(("idle", "code"), [(31_000, "quic-idle-timeout-reuse"), (29_000, "unexplained")])
def test_a_request_after_the_agreed_silence_is_the_clients(idle: int, code: str) -> None:
    scene = Multiplexed("h3")
    scene.failed.idle_before_ns = idle * MS
    connection = scene.connection()
    connection.quic = QuicInfo(idle_timeout_ns=30_000 * MS)
    assert [finding.code for finding in diagnose([connection])] == [code]


@pytest.mark.parametrize(("watched", "codes"), [(2000, ["quic-idle-timeout-reuse"]), (900, [])])
def test_a_response_that_takes_longer_than_the_agreed_silence(watched: int, codes: list[str]) -> None:
    """No packet says that both ends have forgotten the connection: only a capture that goes on shows it."""
    scene = Multiplexed("h3")
    scene.failed.outcome = "unseen"
    connection = scene.connection()
    connection.quic = QuicInfo(idle_timeout_ns=1000 * MS, watched_until_ns=connection.last_ns + watched * MS)
    findings = diagnose([connection])
    assert [finding.code for finding in findings] == codes
    assert all((f.fault, f.certainty) == ("both", "likely") for f in findings)


def test_a_response_that_the_capture_may_lack_is_none_that_did_not_come() -> None:
    scene = Multiplexed("h3")
    scene.failed.outcome = "unseen"
    connection = scene.connection()
    connection.quic = QuicInfo(idle_timeout_ns=1000 * MS, watched_until_ns=connection.last_ns + 2000 * MS)
    connection.quic.numbers[1] = [(2, 0), (4, 1)]
    connection.quic.acknowledged[0] = [(connection.last_ns, 5, 0, 2)]  # the client has a third one
    assert diagnose([connection]) == []
