"""Used again after longer than the server had promised to keep it."""

from __future__ import annotations

from tests.diagnose.remarked import raced, remark


def test_a_pause_longer_than_the_server_promised_is_told() -> None:
    finding = remark("keepalive-hint-ignored", raced("timeout=1, max=100"))
    assert finding is not None
    assert (finding.fault, finding.failure, finding.exchanges) == ("client", False, [2])
    assert "1.000 s" in finding.claim


def test_a_pause_within_the_promise_is_not() -> None:
    assert remark("keepalive-hint-ignored", raced("timeout=5")) is None
    assert remark("keepalive-hint-ignored", raced("max=7")) is None
