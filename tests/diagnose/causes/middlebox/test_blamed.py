"""What an error status says of who failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import Wire

if TYPE_CHECKING:
    from plainwire.model import Connection


def served(
    *answers: tuple[int, float],
    number: int = 1,
    headers: tuple[tuple[str, str], ...] = (),
    target: str = "/objects/17",
) -> Connection:
    """Exchanges on one connection: status, and the time beyond the round trip."""
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
    at = 0.0
    for status, more in answers:
        wire.ask(at, target)
        response = wire.answer(at + 80 + more, status=status).response
        assert response is not None
        response.headers += headers
        at += 200 + more
    return wire.done()


def codes(*connections: Connection) -> dict[str, str]:
    return {finding.code: finding.certainty for finding in diagnose(connections)}


GOOD = ((200, 5.0),) * 8


def test_a_502_at_once_where_most_goes_well_is_possibly_the_gateway_s_own_race() -> None:
    assert codes(served(*GOOD, (502, 2.0)))["gateway-upstream-race"] == "possible"


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


def bad_request(defects: list[str], status: int = 400) -> Connection:
    connection = served((status, 5.0))
    request = connection.exchanges[0].request
    assert request is not None
    request.defects = defects
    return connection


def test_a_broken_request_that_is_refused_as_such_is_the_client_s() -> None:
    (finding,) = diagnose([bad_request(["no Host"])])
    assert (finding.code, finding.fault, finding.certainty) == ("client-bug-request", "client", "proved")
    assert "Host" not in finding.claim


def test_a_400_without_a_defect_is_the_program_s_own_business() -> None:
    assert diagnose([bad_request([])]) == []


def test_a_broken_request_that_was_answered_well_is_no_finding() -> None:
    assert diagnose([bad_request(["no Host"], status=200)]) == []
