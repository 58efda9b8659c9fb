"""A gateway that mostly does well answered 502 at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.causes.middlebox.gateways import served

if TYPE_CHECKING:
    from plainwire.model import Connection


def codes(*connections: Connection) -> dict[str, str]:
    return {finding.code: finding.certainty for finding in diagnose(connections)}


GOOD = ((200, 5.0),) * 8


def test_a_502_at_once_where_most_goes_well_is_possibly_the_gateway_s_own_race() -> None:
    nginx = served(*GOOD, (502, 2.0), headers=(("Server", "nginx/1.22.1"),))
    assert codes(nginx)["gateway-upstream-race"] == "possible"


def test_one_502_of_what_does_not_show_itself_as_a_gateway_is_not_yet_a_story() -> None:
    assert set(codes(served(*GOOD, (502, 2.0)))) == {"overload-5xx"}


def test_from_the_third_on_it_is_likely() -> None:
    assert codes(served(*GOOD, (502, 2.0), (502, 3.0), (502, 9.0)))["gateway-upstream-race"] == "likely"


def test_a_502_after_a_long_time_is_no_race() -> None:
    assert "gateway-upstream-race" not in codes(served(*GOOD, (502, 30_000.0)))


def test_a_server_that_answers_nothing_else_is_down() -> None:
    assert "gateway-upstream-race" not in codes(served(*((502, 2.0),) * 6))


def test_where_one_kind_of_request_meets_nothing_else_what_is_behind_it_is_down() -> None:
    """A race strikes now and then; a location whose server does not run fails each time."""
    failing = served(*((502, 2.0),) * 3, number=2, target="/orders/3")
    assert set(codes(served(*GOOD), failing)) == {"method-or-path-specific-crash"}
    answered = served((200, 5.0), *((502, 2.0),) * 3, number=2, target="/orders/3")
    assert set(codes(served(*GOOD), answered)) == {"gateway-upstream-race"}


def test_a_503_is_a_gateway_s_only_where_the_gateway_says_who_it_is() -> None:
    assert "gateway-upstream-race" not in codes(served(*GOOD, (503, 2.0)))
    envoy = served(*GOOD, (503, 2.0), headers=(("Server", "envoy"),))
    assert codes(envoy)["gateway-upstream-race"] == "possible"


def test_a_503_that_asks_to_come_later_is_no_race() -> None:
    polite = served(*GOOD, (503, 2.0), headers=(("server", "envoy"), ("Retry-After", "2")))
    assert "gateway-upstream-race" not in codes(polite)
