"""Failures that keep to one of several servers."""

from __future__ import annotations

import pytest

from plainwire.model import Endpoint
from tests.diagnose.causes.semantics.talks import found, talks
from tests.diagnose.wire import SERVER_END

ELSEWHERE = Endpoint("203.0.113.8", 443)


def test_failures_that_keep_to_one_address() -> None:
    finding = found(*talks(SERVER_END, 10, 7, 1), *talks(ELSEWHERE, 20, 0, 50))["sick-backend"]
    assert "7 of 10 tries that went to address 203.0.113.7 failed, and 0 of 20" in finding.claim
    assert not finding.failure


def test_failures_at_all_addresses_alike_accuse_no_one_of_them() -> None:
    assert "sick-backend" not in found(*talks(SERVER_END, 10, 4, 1), *talks(ELSEWHERE, 20, 8, 50))


def test_one_address_with_few_failures_is_not_named() -> None:
    assert "sick-backend" not in found(*talks(SERVER_END, 3, 2, 1), *talks(ELSEWHERE, 20, 0, 50))


@pytest.mark.parametrize(
    ("name", "told"), [("node-3", "x-served-by node-3"), ("\x1b[31mnode-3", "one value of x-served-by")]
)
def test_a_server_behind_one_address_that_names_itself(name: str, told: str) -> None:
    sick, well = (("X-Served-By", name),), (("X-Served-By", "node-1"),)
    finding = found(*talks(SERVER_END, 8, 6, 1, sick), *talks(SERVER_END, 20, 0, 50, well))["sick-backend"]
    assert f"6 of 8 tries that went to {told} failed, and 0 of 20" in finding.claim
    assert "\x1b" not in finding.claim
    assert "of 28 requests" not in finding.claim
