"""What works beside what fails. ``tests/end_to_end/test_two_places.py`` has it with real programs."""

from __future__ import annotations

from plainwire.comparing.differences import between
from plainwire.model import Connection, Endpoint
from tests.diagnose.wire import SERVER, Wire
from tests.report.samples import report


def works() -> Connection:
    wire = Wire()
    wire.ok(0)
    return wire.done()


def fails(server: str = "203.0.113.7") -> Connection:
    wire = Wire(server=Endpoint(server, 443))
    wire.ask(0)
    wire.close(SERVER, "rst", 80)
    return wire.done("unanswered")


def test_which_of_them_fails() -> None:
    pairs = {"B": (works(), fails()), "A": (fails(), works()), "both": (fails(), fails())}
    for failing, (one, other) in pairs.items():
        assert between(report(one), report(other)).failing == failing
    assert between(report(works()), report(works())).failing == "neither"


def test_another_address_is_a_difference_and_what_is_alike_is_none() -> None:
    found = between(report(works()), report(fails("2001:db8::7")))
    names = {each.name: (each.one, each.other) for each in found.found}
    assert names["address family"] == ("IPv4", "IPv6")
    assert "server address" in names
    assert "HTTP" in found.same
    assert "HTTP" not in names


def test_of_header_fields_those_are_told_that_only_one_has() -> None:
    one, other = works(), fails()
    for connection, fields in ((one, ["Host", "Accept"]), (other, ["host", "X-Debug"])):
        for exchange in connection.exchanges:
            assert exchange.request is not None
            exchange.request.headers = [(name, "x") for name in fields]
    found = next(each for each in between(report(one), report(other)).found if each.name == "header fields")
    assert (found.one, found.other) == ("accept", "x-debug")


def test_times_that_are_about_the_same_are_no_difference() -> None:
    one, other = works(), fails()
    one.rtt_syn_ns, other.rtt_syn_ns = 80_000_000, 95_000_000
    assert "round trip" not in {each.name for each in between(report(one), report(other)).found}
    other.rtt_syn_ns = 400_000_000
    assert "round trip" in {each.name for each in between(report(one), report(other)).found}
