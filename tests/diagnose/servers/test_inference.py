"""Servers' limits and manners, from connections as a capture at the client holds them."""

from __future__ import annotations

import pytest

from plainwire.diagnose.servers.inference import infer
from plainwire.model import Connection, Endpoint, ServerFacts, StreamEvent
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, SERVER_END, Wire

SECOND = 1000 * MS


def _only(*connections: Connection) -> ServerFacts:
    facts = infer(connections)
    assert list(facts) == [SERVER_END]
    return facts[SERVER_END]


def _idle_close(number: int, idle: float, *, pause: float = 500.0, start: float = 0.0) -> Connection:
    """Two requests, then the server's close after ``idle`` ms."""
    wire = Wire(id=number, start=start)
    wire.ok(100)
    wire.ok(180 + pause)
    end = 260 + pause
    wire.close(SERVER, "close_notify", end + idle)
    wire.close(SERVER, "fin", end + idle)
    return wire.done()


def _limited(number: int, requests: int, *, step: float = 300.0, start: float = 0.0) -> Connection:
    """A connection whose last response announces the close."""
    wire = Wire(id=number, start=start)
    for place in range(requests):
        wire.ok(100 + place * (step + 80), close=place == requests - 1)
    wire.close(SERVER, "fin", 100 + requests * (step + 80))
    return wire.done()


def test_idle_timeout_is_the_time_from_the_last_byte_to_the_close() -> None:
    facts = _only(*(_idle_close(n, 2000 + n, pause=300 * n, start=7000 * n) for n in range(1, 6)))
    assert facts.idle_timeout is not None
    assert (facts.idle_timeout.low_ns, facts.idle_timeout.high_ns) == (2001 * MS, 2005 * MS)
    assert facts.idle_timeout.count == 5
    assert facts.clock == "idle"
    assert facts.max_age is None
    assert facts.reloads == []


def test_scattered_idle_closes_are_no_timeout() -> None:
    facts = _only(*(_idle_close(n, idle) for n, idle in enumerate((700, 2100, 3900, 9000), 1)))
    assert facts.idle_timeout is None


def test_one_close_after_a_whole_number_of_seconds_is_believed() -> None:
    facts = _only(_idle_close(1, 5001.5))
    assert facts.idle_timeout is not None
    assert facts.idle_timeout.count == 1
    assert _only(_idle_close(1, 4310)).idle_timeout is None


def test_two_ends_that_differ_are_no_timeout() -> None:
    facts = _only(_idle_close(1, 310, start=0), _idle_close(2, 322, start=900))
    assert facts.idle_timeout is None


def test_requests_that_reached_the_server_later_refute_a_timeout() -> None:
    """With the way there and back, they came after a longer idleness than that of the closes."""
    closed = [_idle_close(n, 1000, pause=960, start=4000 * n) for n in (1, 2)]
    survivors = []
    for number in range(3, 9):
        wire = Wire(id=number, start=5000.0 * number)
        wire.ok(100)
        wire.ok(180 + 960)
        survivors.append(wire.done())
    assert _only(*closed, *survivors).idle_timeout is None


def test_a_longer_idleness_that_was_survived_refutes_a_timeout() -> None:
    wires = [_idle_close(1, 2001)]
    for number in (2, 3):
        wire = Wire(id=number)
        wire.ok(100)
        wire.ok(6000)
        wires.append(wire.done())
    facts = _only(*wires)
    assert facts.idle_timeout is None
    assert facts.longest_idle_ns == 5820 * MS


def test_requests_after_which_the_server_closes() -> None:
    facts = _only(*(_limited(n, 7, start=5000 * n) for n in range(1, 5)))
    assert (facts.max_requests, facts.max_requests_count, facts.most_requests) == (7, 4, 7)
    assert facts.clock == "requests"
    assert facts.announces_close


def test_few_equal_counts_may_be_chance() -> None:
    assert _only(_limited(1, 3), _limited(2, 3)).max_requests is None
    assert _only(_limited(1, 100), _limited(2, 100)).max_requests == 100


def test_a_connection_that_carried_more_refutes_a_limit() -> None:
    wire = Wire(id=9)
    for place in range(12):
        wire.ok(100 + 200 * place)
    assert _only(*(_limited(n, 7) for n in range(1, 5)), wire.done()).max_requests is None


def test_requests_that_ask_for_the_close_say_nothing_about_the_server() -> None:
    wires = []
    for number in range(1, 6):
        wire = Wire(id=number)
        wire.ok(100)
        wire.ask(400, close=True)
        wire.answer(480, close=True)
        wire.close(SERVER, "fin", 481)
        wires.append(wire.done())
    assert _only(*wires).max_requests is None


def test_age_at_which_the_server_ends_busy_connections() -> None:
    wires = []
    for number, step in enumerate((150, 330, 710, 1170), 1):
        wire = Wire(id=number, start=2300.0 * number)
        at = 100.0
        while at < 9900 - step:
            wire.ok(at)
            at += step + 80
        wire.close(SERVER, "fin", 10_000 + number)
        wires.append(wire.done())
    facts = _only(*wires)
    assert facts.max_age is not None
    assert facts.max_age.low_ns <= 10_000 * MS - 2 * 80 * MS <= facts.max_age.high_ns  # from accept to close
    assert facts.clock == "age"
    assert facts.idle_timeout is None


def _aged(number: int, last: float) -> Connection:
    """Two to four requests, the last of them at ``last`` ms, and the server's close at 1,000 ms."""
    wire = Wire(id=number, start=4000.0 * number)
    for at in (100, 200, 300)[: 1 + number % 3]:
        wire.ok(at)
    wire.ok(last)
    wire.close(SERVER, "fin", 1000 + number)
    return wire.done()


def test_pauses_of_one_length_do_not_make_an_idle_timer_of_an_age() -> None:
    same, other = [520] * 4, [760, 700]  # idle for 400 ms four times; for 160 and 220 ms twice
    facts = _only(*(_aged(number, last) for number, last in enumerate(same + other, 1)))
    assert (facts.clock, facts.idle_timeout) == ("age", None)
    assert facts.max_age is not None
    assert facts.max_age.count == 6


def test_idle_timer_that_explains_nearly_as_much_as_an_age_goes_before_it() -> None:
    facts = _only(*(_aged(number, last) for number, last in enumerate([520, 520, 520, 520, 760], 1)))
    assert (facts.clock, facts.max_age) == ("idle", None)


def test_reload_ends_connections_of_all_ages_at_one_moment() -> None:
    moment = 20_000.0
    wires = []
    for number, (start, last) in enumerate(((1000, 3000), (5000, 9000), (8000, 8500), (9000, 700)), 1):
        wire = Wire(id=number, start=float(start))
        wire.ok(100)
        wire.ok(100.0 + last)
        wire.close(SERVER, "close_notify", moment - start)
        wires.append(wire.done())
    facts = _only(*wires)
    assert facts.reloads == [EPOCH_NS + int(moment) * MS]
    assert facts.clock == "instant"
    assert facts.idle_timeout is None


def test_goaway_after_k_streams_is_a_limit_of_requests() -> None:
    wires = []
    for number in (1, 2):
        wire = Wire(id=number, start=9000.0 * number)
        for place in range(50):
            exchange = wire.ok(100 + 100 * place)
            exchange.protocol, exchange.stream = "h2", 2 * place + 1
        connection = wire.done()
        at = EPOCH_NS + int((wire.start + 100 + 100 * 49 + 79) * MS)
        connection.events.append(StreamEvent("goaway", SERVER, at, 900, None, 0, "NO_ERROR", 99))
        wires.append(connection)
    facts = _only(*wires)
    assert (facts.max_requests, facts.max_requests_count) == (50, 2)


@pytest.mark.parametrize(
    ("kinds", "flavour"),
    [(["active"], "active"), (["reactive"], "reactive"), (["active", "reactive"], "both"), ([], None)],
)
def test_flavours_of_resets(kinds: list[str], flavour: str | None) -> None:
    wires = []
    for number, kind in enumerate(kinds or ["none"], 1):
        wire = Wire(id=number)
        wire.ok(100)
        wire.ask(400)
        if kind != "none":
            wire.close(SERVER, "rst", 480, bare=kind == "reactive")
        wires.append(wire.done("unanswered"))
    assert _only(*wires).reset_flavour == flavour


def test_a_stack_that_acknowledges_even_for_connections_that_are_gone() -> None:
    wire = Wire()
    wire.ok(100)
    wire.close(SERVER, "fin", 2180)
    wire.ask(2400)
    wire.close(SERVER, "rst", 2480)
    assert _only(wire.done("unanswered")).reset_flavour == "acknowledging"


def _lost(number: int, gap: float, timeout: float = 2000.0) -> Connection:
    """A request sent ``gap`` ms after a response, while the server's close was on its way."""
    wire = Wire(id=number, start=9000.0 * number)
    wire.ok(100)
    wire.ask(180 + gap)
    before = wire.sent[CLIENT] - 99
    wire.close(SERVER, "close_notify", 180 + timeout, ack=before)
    wire.close(SERVER, "fin", 180 + timeout, ack=before)
    return wire.done("unanswered")


def test_expected_failures_are_the_requests_within_one_round_trip_of_the_timeout() -> None:
    lost = [_lost(n, 1930 + 10 * n) for n in range(1, 5)]
    spared = []
    for number in range(5, 15):
        wire = Wire(id=number)
        wire.ok(100)
        wire.ok(180.0 + 120 * number)
        spared.append(wire.done())
    facts = _only(*lost, *spared)
    assert facts.danger_band is not None
    assert facts.danger_band.low_ns == pytest.approx(1920 * MS, abs=MS)
    assert not facts.danger_band.empty
    assert facts.expected_failures == 4
    assert facts.observed_failures == 4


def test_a_client_that_gives_up_first_is_in_no_danger() -> None:
    wires = [_idle_close(n, 5001) for n in (1, 2)]
    for number in (3, 4, 5):
        wire = Wire(id=number)
        wire.ok(100)
        wire.close(CLIENT, "fin", 180 + 4000 + number)
        wires.append(wire.done())
    facts = _only(*wires)
    assert facts.danger_band is not None
    assert facts.danger_band.observed
    assert facts.danger_band.empty


def test_known_clients_bring_their_pools_limit() -> None:
    wires = [_idle_close(n, 2001) for n in (1, 2)]
    for connection in wires:
        request = connection.exchanges[0].request
        assert request is not None
        request.headers.append(("User-Agent", "python-httpx/0.28.1"))
    band = _only(*wires).danger_band
    assert band is not None
    assert (band.high_ns, band.observed) == (5 * SECOND, False)


def test_default_timeouts_name_the_software_that_has_them() -> None:
    facts = _only(*(_idle_close(n, 75_001, pause=200 * n) for n in (1, 2, 3)))
    assert "nginx" in facts.fingerprint
    assert "Apache httpd" not in facts.fingerprint


def test_node_waits_a_second_longer_than_it_announces() -> None:
    wires = []
    for number in (1, 2, 3):
        wire = Wire(id=number, start=5000.0 * number)
        response = wire.ok(100).response
        assert response is not None
        response.headers.append(("Keep-Alive", "timeout=2"))
        wire.close(SERVER, "fin", 180 + 3001)
        wires.append(wire.done())
    facts = _only(*wires)
    assert facts.hint_timeout_ns == 2 * SECOND
    assert facts.fingerprint == ["Node.js"]


def test_silence_after_long_idleness_is_a_limit_on_the_path() -> None:
    wires = []
    for number, gap in enumerate((200_000, 340_000, 352_000, 500_000), 1):
        wire = Wire(id=number)
        wire.ok(100)
        if gap < 350_000:
            wire.ok(180.0 + gap)
        else:
            wire.ask(180.0 + gap)
        wires.append(wire.done("complete" if gap < 350_000 else "unanswered"))
    facts = _only(*wires)
    assert facts.silent_limit is not None
    assert (facts.silent_limit.low_ns, facts.silent_limit.high_ns) == (340 * SECOND, 352 * SECOND)
    assert facts.fingerprint == ["AWS NAT gateway or NLB"]


def test_a_timer_that_is_looked_at_once_a_second_gives_a_range() -> None:
    wires = [
        _idle_close(n, idle, start=1700.0 * n) for n, idle in enumerate((2010, 2320, 2700, 2890, 2950), 1)
    ]
    facts = _only(*wires)
    assert facts.idle_timeout is not None
    assert (facts.idle_timeout.low_ns, facts.idle_timeout.high_ns) == (2010 * MS, 2950 * MS)
    assert facts.fingerprint == ["gunicorn"]


def test_what_calls_itself_something_else_is_not_taken_for_software_with_the_same_default() -> None:
    wires = [_idle_close(n, 60_002, pause=200 * n) for n in (1, 2, 3)]
    for connection in wires:
        response = connection.exchanges[0].response
        assert response is not None
        response.headers.append(("Server", "nginx/1.22.1"))
    assert _only(*wires).fingerprint == ["AWS ALB"]


def test_servers_without_an_answer_are_left_out() -> None:
    wire = Wire(server=Endpoint("203.0.113.8", 443))
    wire.ask(100)
    assert infer([wire.done("unanswered")]) == {}


def test_more_failures_than_the_timeout_predicts_are_counted_against_it() -> None:
    """Lost half a second before the timer could have struck: something else ended those connections."""
    idle = [_idle_close(n, 2001, pause=150 * n) for n in range(1, 9)]
    lost = [_lost(n, 1300, timeout=1340) for n in range(9, 14)]
    facts = _only(*idle, *lost)
    assert facts.idle_timeout is not None
    assert facts.idle_timeout.low_ns == 2001 * MS
    assert (facts.expected_failures, facts.observed_failures) == (0, 5)
    assert facts.prediction_p is not None
    assert facts.prediction_p < 0.01


def test_two_announced_closes_after_the_same_nine_requests_are_a_limit() -> None:
    facts = _only(_limited(1, 9), _limited(2, 9))
    assert (facts.max_requests, facts.max_requests_count) == (9, 2)
