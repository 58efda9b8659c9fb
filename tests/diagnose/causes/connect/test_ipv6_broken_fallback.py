"""IPv6 does not work, and the client noticed only by waiting."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Endpoint
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import only

OTHER6 = Endpoint("2001:db8::7", 443)


def test_ipv6_that_is_dead_where_ipv4_works() -> None:
    dead = Opening(server=OTHER6).syn(0, 1000).done()
    finding = only(diagnose([dead, healthy(2, start=2000)]))
    assert (finding.code, finding.failure) == ("ipv6-broken-fallback", False)
    assert "2.000 s" in finding.claim


def test_ipv6_and_ipv4_both_dead_is_no_matter_of_ipv6() -> None:
    dead = [Opening(1, server=OTHER6).syn(0, 1000).done(), Opening(2, start=2000).syn(0, 1000).done()]
    assert {finding.code for finding in diagnose(dead)} == {"syn-timeout"}
