"""A search domain whose name server does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.connect.lookups import NAME, lookup
from tests.diagnose.opening import healthy
from tests.diagnose.wire import only

if TYPE_CHECKING:
    from plainwire.model import Lookup

_IN_DOMAIN = f"{NAME}.corp.test"


def test_a_silent_search_domain_delays_the_connection_and_both_names_are_quoted() -> None:
    asked = [lookup(0, 2_000, name=_IN_DOMAIN, addresses=()), lookup(4_000, at=4_002)]
    finding = only(diagnose([healthy(start=4_005)], asked))
    assert (finding.code, finding.failure) == ("dns-slow-5s", False)
    assert [quoted.text for quoted in finding.quotes] == [_IN_DOMAIN, NAME]
    assert "corp.test" not in finding.claim
    assert {9000, 11000, 13000} < set(finding.packets)


@pytest.mark.parametrize(
    "first",
    [
        lookup(0, at=1, code="NXDOMAIN", name=_IN_DOMAIN, addresses=()),  # answered, as it should be
        lookup(3_900, name=_IN_DOMAIN, addresses=()),  # no time was lost
        lookup(0, 2_000, name="another.example.corp.test", addresses=()),
        lookup(0, 2_000, name=_IN_DOMAIN, addresses=(), client="192.0.2.200"),
    ],
)
def test_what_did_not_delay_it(first: Lookup) -> None:
    assert diagnose([healthy(start=4_005)], [first, lookup(4_000, at=4_002)]) == []
