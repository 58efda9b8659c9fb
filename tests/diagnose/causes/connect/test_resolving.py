"""What name servers said, held against the connections that followed."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Endpoint, Lookup
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import EPOCH_NS, MS, SERVER_END, only

NAME = "storage.example"
RESOLVER, OTHER = "192.0.2.53", "192.0.2.54"
GONE = Endpoint("203.0.113.99", 443)


def lookup(
    *sent: float,
    at: float | None = None,
    code: str = "NOERROR",
    addresses: tuple[str, ...] = (SERVER_END.address,),
    server: str = RESOLVER,
    client: str = "192.0.2.7",
    name: str = NAME,
) -> Lookup:
    """Times in milliseconds; packets are numbered from 9000 by their times."""
    sendings = [(9000 + int(each), EPOCH_NS + int(each * MS)) for each in sent]
    if at is None:
        return Lookup(name, "A", client, server, sendings)
    return Lookup(
        name, "A", client, server, sendings, 9000 + int(at), EPOCH_NS + int(at * MS), code, addresses
    )


def test_a_question_that_was_asked_again_delays_the_connection() -> None:
    finding = only(diagnose([healthy(start=5030)], [lookup(0, 5000, at=5020)]))
    assert (finding.code, finding.fault, finding.failure) == ("dns-slow-5s", "unknown", False)
    assert "5.000 s" in finding.claim
    assert {9000, 14000, 14020} < set(finding.packets)


def test_a_question_that_another_server_answered() -> None:
    finding = only(diagnose([healthy(start=5030)], [lookup(0), lookup(5000, at=5020, server=OTHER)]))
    assert finding.code == "dns-slow-5s"
    assert OTHER in finding.claim


@pytest.mark.parametrize(
    "asked",
    [
        lookup(0, at=5020),  # one question, and a slow server behind it
        lookup(0, 300, at=320),
        lookup(0, 5000, at=5020, name="other.example", addresses=("203.0.113.1",)),
        lookup(0, 5000, at=5020, client="192.0.2.200"),
        lookup(0, 5000),
    ],
)
def test_what_need_not_have_delayed_it(asked: Lookup) -> None:
    assert diagnose([healthy(start=5030)], [asked]) == []


def test_a_connection_long_after_the_answer_did_not_wait_for_it() -> None:
    assert diagnose([healthy(start=9000)], [lookup(0, 5000, at=5020)]) == []


@pytest.mark.parametrize("code", ["SERVFAIL", "NXDOMAIN"])
def test_a_name_that_is_resolved_at_other_times(code: str) -> None:
    lookups = [lookup(0, at=10), lookup(60_000, at=60_010, code=code, addresses=())]
    finding = only(diagnose([healthy(start=20)], lookups))
    assert (finding.code, finding.fault, finding.certainty) == ("dns-failure", "unknown", "likely")
    assert code in finding.claim
    assert 69_010 in finding.packets


def test_a_refusal_that_another_server_made_good_is_none() -> None:
    lookups = [
        lookup(0, at=10),
        lookup(60_000, at=60_010, code="SERVFAIL", addresses=()),
        lookup(60_020, at=60_030, server=OTHER),
    ]
    assert diagnose([healthy(start=20)], lookups) == []


def test_a_name_that_never_had_an_address_is_no_failure_of_the_name_servers() -> None:
    lookups = [
        lookup(0, at=10),
        lookup(20, at=30, code="NXDOMAIN", addresses=(), name="storage.example.local"),
    ]
    assert diagnose([healthy(start=40)], lookups) == []


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
