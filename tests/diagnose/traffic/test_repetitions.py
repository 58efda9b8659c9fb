"""Which copies of a request are attempts of one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose.traffic.repetitions import series
from plainwire.diagnose.traffic.told_failures import ToldFailures
from plainwire.model import Grpc, ProgramConnection
from tests.diagnose.wire import MS, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection

SWIFT = ("User-Agent", "python-swiftclient-4.11.0")


def failing(number: int, at: float, *fields: tuple[str, str], pid: int | None = None) -> Connection:
    """Reset 100 ms after the request, 100 ms after ``at``."""
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, start=at)
    wire.ask(0, "/object")
    wire.close(SERVER, "rst", 100)
    return _with(wire.done("unanswered"), fields, pid)


def answered(
    number: int, at: float, *fields: tuple[str, str], pid: int | None = None, status: int = 200
) -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, start=at)
    wire.ask(0, "/object")
    wire.answer(80, status=status)
    return _with(wire.done(), fields, pid)


def _with(connection: Connection, fields: tuple[tuple[str, str], ...], pid: int | None) -> Connection:
    for exchange in connection.exchanges:
        assert exchange.request is not None
        exchange.request.headers = [*exchange.request.headers, *fields]
    if pid is not None:
        connection.program = ProgramConnection(pid, pid, "program")
    return connection


def found(*connections: Connection) -> list[list[int]]:
    failed = {e.id for c in connections for e in c.exchanges if e.outcome != "complete"}
    return [[attempt.exchange.id for attempt in each.attempts] for each in series(connections, failed)]


def test_another_process_that_asks_for_the_same_often_hides_no_retry() -> None:
    others = [answered(number, 200 * number, pid=2) for number in range(10, 16)]
    assert found(failing(1, 2000, pid=1), answered(2, 3110, pid=1), *others) == [[10, 20]]


def test_a_copy_of_another_process_is_no_retry() -> None:
    assert found(failing(1, 0, pid=1), answered(2, 110, pid=2)) == []


def test_the_pause_of_its_library_tells_a_retry_from_a_loop_over_one_address() -> None:
    loop = [answered(number, 100 * number, SWIFT) for number in range(10, 16)]
    assert found(*loop, failing(1, 2000, SWIFT), answered(2, 3110, SWIFT)) == [[10, 20]]
    loop = [answered(number, 100 * number) for number in range(10, 16)]
    assert found(*loop, failing(1, 2000), answered(2, 3110)) == []


def test_a_program_that_asks_every_second_makes_no_pause_of_a_library() -> None:
    loop = [answered(number, 1080 * number, SWIFT) for number in range(10, 16)]
    assert found(*loop, failing(1, 20_000, SWIFT), answered(2, 21_110, SWIFT)) == []


def test_headers_say_which_copies_are_one_operation_whatever_the_pace() -> None:
    first, second = ("amz-sdk-invocation-id", "a"), ("amz-sdk-invocation-id", "b")
    copies = [
        failing(1, 0, first),
        answered(2, 101, second),
        failing(3, 110, first),
        answered(4, 230, first),
    ]
    assert found(*copies) == [[10, 30, 40]]


def test_a_counter_of_attempts_says_the_same() -> None:
    counts = [("x-stainless-retry-count", str(number)) for number in range(3)]
    copies = [failing(1, 0, counts[0]), answered(2, 101, counts[0]), answered(3, 700, counts[1])]
    assert found(*copies) == [[10, 30]]


def test_each_copy_repeats_one_failure_only() -> None:
    assert found(failing(1, 0), failing(2, 1), answered(3, 300)) == [[10, 30]]


def test_a_program_that_asks_until_it_is_answered_is_no_retrying_library() -> None:
    waiting = [answered(number, 1000 * number, status=503) for number in range(1, 14)]
    assert found(*waiting, answered(20, 14_000)) == []


def test_attempts_that_all_failed_are_one_operation_by_the_pauses_of_a_library_only() -> None:
    """Each is reset 100 ms after its request; the times are 1, 2 and 4 s later."""
    swift = [failing(number, at) for number, at in enumerate((0, 1110, 3220, 7330), 1)]
    assert found(*swift) == [[10, 20, 30, 40]]
    steady = [failing(number, at) for number, at in enumerate((0, 3000, 6000, 9000), 1)]
    assert found(*steady) == []


def test_a_request_that_a_goaway_left_out_is_not_its_own_repetition() -> None:
    """It failed without a packet of its own: as far as can be told when it was sent."""
    wire = Wire(id=1, first_exchange=10, first_packet=100)
    wire.ask(0, "/object").protocol = "h2"
    wire.exchanges[-1].stream = 1
    assert found(wire.done("refused"), answered(2, 110)) == [[10, 20]]


RETRY_AFTER = ("Retry-After", "1")


def test_who_waits_as_long_as_it_was_told_repeats() -> None:
    loop = [answered(number, 100 * number) for number in range(10, 16)]
    refused = answered(1, 2000, status=429)
    assert refused.exchanges[0].response
    refused.exchanges[0].response.headers = [RETRY_AFTER]
    assert found(*loop, refused, answered(2, 3090)) == [[10, 20]]
    assert found(*loop, refused, answered(2, 4500)) == []


def test_a_call_of_grpc_is_over_when_its_status_came_not_when_its_connection_ends() -> None:
    first, second = answered(1, 0), answered(2, 290, ("grpc-previous-rpc-attempts", "1"))
    for connection, status in ((first, 14), (second, 0)):
        connection.exchanges[0].grpc = Grpc("/a/B", status=status, status_packet=9)
    (operation,) = series([first, second], {10})
    assert (operation.said, operation.pauses[0] // MS) == (True, 210)


@pytest.mark.parametrize(
    ("agent", "repeated"),
    [
        ("Go-http-client/2.0", True),
        ("python-httpx/0.28", False),
        ("Java-http-client/17.0.15", False),
        ("Java-http-client/24", True),
    ],
)
def test_what_was_refused_is_repeated_by_clients_that_are_known_to(agent: str, repeated: bool) -> None:  # noqa: FBT001
    field = ("User-Agent", agent)
    loop = [answered(number, 100 * number, field) for number in range(10, 16)]
    refused = failing(1, 2000, field)
    refused.exchanges[0].outcome = "refused"
    assert (found(*loop, refused, answered(2, 3500, field)) == [[10, 20]]) == repeated


def test_what_one_goaway_leaves_out_is_not_repeated_on_its_connection() -> None:
    """Two streams sent at one time, and both left out: each is repeated elsewhere."""
    wire = Wire(id=1, first_exchange=10)
    for at in (0, 0.01):
        exchange = wire.ask(at, "/object")
        exchange.protocol, exchange.stream, exchange.outcome = "h2", 1 + int(at * 200), "refused"
    field = ("User-Agent", "okhttp/4.12.0")
    left_out = _with(wire.done(), (field,), None)
    assert found(left_out, answered(2, 50, field), answered(3, 51, field)) == [[10, 20], [11, 30]]


def test_ruby_repeats_what_it_could_not_get_before_it_says_so() -> None:
    ruby = ("User-Agent", "Ruby")
    assert found(failing(1, 0, ruby), failing(2, 101, ruby)) == [[10, 20]]
    assert found(failing(1, 0), failing(2, 101)) == []
    assert found(failing(1, 0, ruby), failing(2, 101, ruby), failing(3, 5000, ruby)) == []


def test_a_field_less_does_not_make_it_another_request() -> None:
    encoding = ("Accept-Encoding", "gzip")
    assert found(failing(1, 0, encoding), answered(2, 1100)) == [[10, 20]]
    assert found(failing(1, 0, ("Range", "bytes=5-")), answered(2, 1100)) == []


def test_who_pauses_only_behind_failures_repeats_what_failed() -> None:
    """Each operation fails, is sent again 300 ms and then 600 ms later, and the next follows at once."""
    times = (0, 400, 1100, 1190, 1590, 2290)
    outcomes = (failing, failing, answered) * 2
    copies = [make(number, at) for number, (make, at) in enumerate(zip(outcomes, times, strict=True), 1)]
    assert found(*copies) == [[10, 20, 30], [40, 50, 60]]


def test_a_poll_with_a_pace_of_its_own_repeats_nothing() -> None:
    outcomes = (failing, failing, answered) * 2
    assert found(*(make(number, 500 * number) for number, make in enumerate(outcomes, 1))) == []


def test_what_the_program_told_of_before_it_went_on_was_not_hidden_from_it() -> None:
    copies = [failing(1, 0, pid=1), failing(2, 800, pid=1), answered(3, 1600, pid=1)]
    failed = {10, 20}
    assert len(series(copies, failed)) == 1
    told = [c.closes[0].time_ns + 10 * MS for c in copies[:2]]
    assert series(copies, failed, {1: ToldFailures(errors=told)}) == []
    assert len(series(copies, failed, {1: ToldFailures(errors=told, trying_again=told)})) == 1
    assert len(series(copies, failed, {2: ToldFailures(errors=told)})) == 1
    assert series(copies, failed, {1: ToldFailures(untimed=2)}) == []
    assert len(series(copies, failed, {1: ToldFailures(untimed=1)})) == 1


def test_operations_that_were_each_given_up_are_counted_by_the_pauses_that_come_again() -> None:
    """Pauses of 0, 0.4 and 0.8 s, twice: each is reset 100 ms after its request."""
    times = (0, 101, 601, 1501, 1602, 1703, 2203, 3103)
    assert found(*(failing(number, at) for number, at in enumerate(times, 1))) == [
        [10, 20, 30, 40],
        [50, 60, 70, 80],
    ]
    assert found(*(failing(number, 500 * number) for number in range(1, 9))) == []


def test_the_first_repetition_may_be_made_at_once_where_the_others_are_not() -> None:
    """Pauses of 0 and 0.5 s within each operation, as of urllib3; the next operation follows at once."""
    times = (0, 101, 701, 782, 883, 1483)
    outcomes = (failing, failing, answered) * 2
    copies = [make(number, at) for number, (make, at) in enumerate(zip(outcomes, times, strict=True), 1)]
    assert found(*copies) == [[10, 20, 30], [40, 50, 60]]


@pytest.mark.parametrize(("agent", "repeated"), [("Go-http-client/1.1", True), ("node", False)])
def test_what_a_kept_connection_lost_is_repeated_at_once_by_clients_that_do_so(
    agent: str,
    repeated: bool,  # noqa: FBT001
) -> None:
    """The connection had answered before; the loop asks again as quickly where nothing fails."""
    name = ("User-Agent", agent)
    kept = Wire(id=1, first_exchange=10, first_packet=100)
    kept.ask(0, "/object")
    kept.answer(80)
    kept.ask(81, "/object")
    kept.close(SERVER, "fin", 181)
    lost = _with(kept.done("unanswered"), (name,), None)
    assert found(lost, answered(2, 190, name)) == ([[11, 20]] if repeated else [])


def test_a_quick_loop_that_was_once_quicker_still_repeats_nothing() -> None:
    """The first pause, of 20 ms, is that of a program that has just begun; a failure follows after 2 ms."""
    first, second = answered(1, 0), answered(2, 100)
    assert found(first, second, failing(3, 200), answered(4, 302)) == []


def _part(number: int, at: float, wanted: str, *, cut: bool = False) -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, start=at)
    wire.ask(0, "/object")
    wire.answer(80, status=206 if wanted else 200, body=300, declared=1000 if cut else 300, complete=not cut)
    if cut:
        wire.close(SERVER, "fin", 81)
    fields = (("Range", wanted),) if wanted else ()
    return _with(wire.done("truncated" if cut else "complete"), fields, None)


def test_a_request_for_the_rest_of_what_was_cut_repeats_it() -> None:
    assert found(_part(1, 0, "", cut=True), _part(2, 200, "bytes=300-")) == [[10, 20]]
    chain = (
        _part(1, 0, "", cut=True),
        _part(2, 200, "bytes=300-999", cut=True),
        _part(3, 400, "bytes=600-999"),
    )
    assert found(*chain) == [[10, 20, 30]]


def test_a_request_for_another_part_repeats_nothing() -> None:
    assert found(_part(1, 0, "", cut=True), _part(2, 200, "bytes=500-")) == []
    assert found(_part(1, 0, "bytes=0-999", cut=True), _part(2, 200, "bytes=1000-1999")) == []


def test_pauses_that_grow_are_those_of_one_operation_though_it_was_given_up() -> None:
    times = (0, 300, 800, 1500)  # each fails 100 ms after its request: pauses of 200, 400, 600 ms
    assert found(*(failing(n, at) for n, at in enumerate(times, 1))) == [[10, 20, 30, 40]]
    assert found(*(failing(n, 400 * n) for n in range(1, 5))) == []
