"""Something in front of the server refused the request with a page."""

from __future__ import annotations

import pytest

from tests.diagnose.causes.semantics.talks import Talk, found

HTML, JSON = (("Content-Type", "text/html; charset=utf-8"),), (("Content-Type", "application/json"),)


def test_a_page_where_there_is_data_otherwise_came_from_something_in_front() -> None:
    assert set(found(Talk().say(200, told=JSON).say(403, told=HTML))) == {"waf-block"}


@pytest.mark.parametrize(
    ("status", "code"), [(503, "overload-5xx"), (429, "rate-limited")], ids=["unavailable", "too many"]
)
def test_every_server_has_a_page_for_these_which_is_no_word_of_a_firewall(status: int, code: str) -> None:
    """nginx, Apache and haproxy answer so when they have no server behind them, or one asks too much."""
    assert set(found(Talk().say(200, told=JSON).say(status, told=HTML))) == {code}
    marked = (*HTML, ("CF-Mitigated", "challenge"))
    assert set(found(Talk().say(200, told=JSON).say(status, told=marked))) == {"waf-block"}


def test_where_there_are_pages_otherwise_it_did_not() -> None:
    assert found(Talk().say(200, told=HTML).say(403, told=HTML)) == {}
