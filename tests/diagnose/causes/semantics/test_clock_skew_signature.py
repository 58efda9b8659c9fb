"""A signed request was refused, and the clocks differ."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import TOKEN, Talk, found


def test_a_signed_request_is_refused_where_clocks_are_far_apart() -> None:
    late = (("Date", "Tue, 14 Nov 2023 22:43:20 GMT"),)  # 30 minutes after the wire's epoch
    right = (("Date", "Tue, 14 Nov 2023 22:13:21 GMT"),)
    finding = found(Talk().say(403, asked=TOKEN, told=late))["clock-skew-signature"]
    assert "30 minutes ahead" in finding.claim
    assert found(Talk().say(403, asked=TOKEN, told=right)) == {}
    assert found(Talk().say(403, told=late)) == {}
