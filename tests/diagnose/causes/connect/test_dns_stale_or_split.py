"""The client used an address that the name no longer has."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Endpoint
from tests.diagnose.causes.connect.lookups import lookup
from tests.diagnose.opening import Opening

GONE = Endpoint("203.0.113.99", 443)


def unanswered(server: Endpoint) -> Connection:
    return Opening(1, server=server, start=30_000).syn(0, 1000, 3000).done()


def test_an_address_that_the_newest_answer_lacks() -> None:
    old = lookup(0, at=10, addresses=(GONE.address,))
    new = lookup(20_000, at=20_010)
    findings = {finding.code: finding for finding in diagnose([unanswered(GONE)], [old, new])}
    assert findings.keys() == {"syn-timeout", "dns-stale-or-split"}
    assert (findings["dns-stale-or-split"].fault, findings["dns-stale-or-split"].failure) == (
        "unknown",
        False,
    )
    assert 29_010 in findings["dns-stale-or-split"].packets


def test_an_address_that_the_newest_answer_holds_is_not_stale() -> None:
    lookups = [
        lookup(0, at=10, addresses=(GONE.address,)),
        lookup(20_000, at=20_010, addresses=(GONE.address,)),
    ]
    assert {finding.code for finding in diagnose([unanswered(GONE)], lookups)} == {"syn-timeout"}
