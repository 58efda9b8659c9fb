"""The name was not resolved."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.connect.lookups import OTHER, lookup
from tests.diagnose.opening import healthy
from tests.diagnose.wire import only


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
