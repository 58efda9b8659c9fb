"""SYNs that offer ECN and are not answered, as they would be captured, through the whole pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.model import ACK, CWR, ECE, RST, SYN
from tests.diagnose.captured import asked, findings, stamp, syns

if TYPE_CHECKING:
    from plainwire.model import Finding
    from tests.streams.wire import Wire

MARKED = ECE | CWR  # an ECN-setup SYN (RFC 3168 section 6.1.1)


def late(port: int = 40000, start: int = 0, **how: int) -> Wire:
    """As Linux does: once with the offer, a second later without."""
    wire = syns(start, start + 1000, port=port, flags=(MARKED, 0), stamps=(500, 1500))
    return answered(wire, 1020 + start, echo=how.get("echo", 1500), flags=how.get("flags", 0))


def answered(wire: Wire, at: int, *, echo: int = 0, flags: int = 0, options: bytes | None = None) -> Wire:
    wire.server(-1, flags=SYN | flags, at=at, options=stamp(9, echo) if options is None else options)
    return asked(wire)


def bare(port: int, start: int) -> Wire:
    return answered(syns(start, port=port), start + 20, options=b"")


def finding(*wires: Wire) -> Finding | None:
    return findings(*wires).get("ecn-or-dscp-blackhole")


def test_one_connection_that_came_with_the_second_syn_is_possibly_one() -> None:
    found = finding(late())
    assert found is not None
    assert (found.fault, found.certainty, found.failure) == ("path", "possible", False)
    assert "answered after 20 ms: 1.020 s after the first" in found.claim
    assert [e.packet for e in found.evidence] == [1, 2, 3]
    assert "not excluded" in found.runner_up


def test_several_times_beside_connections_without_the_offer_is_likely() -> None:
    found = finding(*(late(40000 + n, 3000 * n) for n in range(3)), bare(41000, 2000))
    assert found is not None
    assert (found.certainty, len(found.connections)) == ("likely", 3)
    assert "of 1 connection without the offer" in found.runner_up


def test_several_at_one_time_are_one_outage() -> None:
    found = finding(*(late(40000 + n, n) for n in range(5)), bare(41000, 2000))
    assert found is not None
    assert found.certainty == "possible"


def test_without_a_connection_that_began_bare_a_device_that_drops_first_syns_is_not_excluded() -> None:
    found = finding(*(late(40000 + n, 3000 * n) for n in range(6)))
    assert found is not None
    assert found.certainty == "possible"
    assert "drops the first SYN" in found.runner_up


@pytest.mark.parametrize(
    "other",
    [
        answered(syns(5000, port=41000, flags=(MARKED,)), 5020, options=b""),  # by a server without ECN
        answered(syns(5000, port=41000, flags=(MARKED,)), 5020, flags=ECE, options=b""),  # by one with it
        answered(syns(5000, 6000, port=41000), 6020, options=b""),  # a bare one was lost as well
        syns(5000, 6000, 8000, port=41000),
        syns(5000, port=41000, flags=(MARKED,)).server(-1, ack=0, flags=RST | ACK, at=5020),  # refused
    ],
)  # fmt: skip
def test_an_offer_that_was_answered_or_a_bare_syn_that_was_lost_refutes_it(other: Wire) -> None:
    assert finding(late(), other) is None
    assert finding(late(), bare(41000, 5000)) is not None


def test_the_answer_may_be_to_the_first_syn() -> None:
    assert finding(late(echo=500)) is None  # by its time stamp
    assert finding(late(flags=ECE)) is None  # by its agreeing to the offer
    wire = syns(0, 1000, flags=(MARKED, 0)).server(-1, flags=SYN, at=1200)  # by the round trip: 1.2 s
    wire.client(0).client(0, b"GET / HTTP/1.1\r\n\r\n", at=1201).server(0, ack=18, at=2401)
    assert finding(wire) is None


def test_syns_that_never_did_without_the_offer_and_a_later_connection_that_did() -> None:
    lost = syns(0, 1000, 3000, flags=(MARKED,) * 3)
    found = findings(lost, bare(41000, 9000))
    assert found.keys() == {"ecn-or-dscp-blackhole"}
    assert found["ecn-or-dscp-blackhole"].failure
    assert "Connection 2 to the same address, without the offer, was accepted." in (
        found["ecn-or-dscp-blackhole"].claim
    )
    assert findings(lost).keys() == {"syn-timeout"}
    assert findings(lost, bare(41000, 90_000)).keys() == {"syn-timeout"}


def test_one_syn_without_an_answer_may_still_be_on_its_way() -> None:
    assert findings(syns(0, flags=(MARKED,)), bare(41000, 1000)) == {}


def test_a_second_syn_that_comes_at_once_makes_no_late_connection() -> None:
    wire = syns(0, 200, flags=(MARKED, 0)).server(-1, flags=SYN, at=220).client(0)
    assert findings(wire) == {}


def test_a_lost_syn_without_any_offer_is_no_such_case() -> None:
    assert findings(answered(syns(0, 1000), 1020, options=b"")) == {}


def test_where_the_offer_is_accepted_all_is_well() -> None:
    wires = [
        answered(syns(100 * n, port=40000 + n, flags=(MARKED,)), 100 * n + 20, flags=ECE) for n in range(9)
    ]
    assert findings(*wires) == {}
