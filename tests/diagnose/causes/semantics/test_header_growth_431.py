"""The request's header has become too large for the server."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import Talk, found


def test_a_431_names_the_header() -> None:
    finding = found(Talk().say(200).say(431, asked=(("Cookie", "a" * 9000),)))["header-growth-431"]
    assert finding.fault == "client"
    assert "largest that was accepted" in finding.claim


def test_a_400_to_a_long_header_counts_beside_shorter_ones_or_beyond_what_servers_take() -> None:
    long = (("Cookie", "a" * 9000),)
    assert set(found(Talk().say(200).say(400, asked=long))) == {"header-growth-431"}
    assert "Most servers take 8 KB" in found(Talk().say(400, asked=long))["header-growth-431"].claim
    assert found(Talk().say(400, asked=(("Cookie", "a" * 7500),))) == {}
    assert found(Talk().say(200, asked=(("Cookie", "a" * 9500),)).say(400, asked=long)) == {}
