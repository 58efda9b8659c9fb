"""The server ends connections without saying so in TLS."""

from __future__ import annotations

from tests.diagnose.remarked import idle, raced, remark


def test_a_close_without_close_notify_is_told_beside_a_failure() -> None:
    finding = remark("close-without-close-notify", raced(), idle(2), idle(3, polite=True))
    assert finding is not None
    assert (finding.failure, finding.connections, finding.exchanges) == (False, [2], [])
