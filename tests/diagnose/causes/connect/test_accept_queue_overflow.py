"""The server had no room for another connection."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, SYN, Connection, Segments
from tests.diagnose.opening import Opening
from tests.diagnose.wire import SERVER, only


def overflowing(*, heard: bool = True, acknowledged: bool = False) -> Connection:
    opening = Opening().syn(0).accept(1).hello(2, 205, 620)
    if acknowledged:
        opening.segment(SERVER, 3, ack=517)
    opening.segment(SERVER, 1010, SYN | ACK, seq=-1)
    if heard:
        opening.hello(1400)
        opening.segment(SERVER, 1401, ack=517)
        opening.segment(SERVER, 1402, ACK | PSH, ack=517, length=2000)
    return opening.done()


def test_a_syn_ack_again_and_again_with_the_client_s_data_ignored_is_a_full_queue() -> None:
    finding = only(diagnose([overflowing()]))
    assert (finding.code, finding.fault, finding.failure) == ("accept-queue-overflow", "server", False)
    assert only(diagnose([overflowing(heard=False)])).failure


def test_a_server_that_had_acknowledged_the_data_has_no_full_queue() -> None:
    assert diagnose([overflowing(acknowledged=True)]) == []


def _silent_server(*, answered: bool) -> list[Connection]:
    """An accepted connection whose data the kernel takes, and a SYN beside it that nothing answers."""
    accepted = Opening(id=1).syn(0).accept(1).hello(2)
    accepted.segment(SERVER, 3, ack=517)
    if answered:
        accepted.segment(SERVER, 5, ACK | PSH, ack=517, length=2000)
    dropped = Opening(id=2, start=4).syn(0, 1010, 3030)
    return [accepted.done(), dropped.done()]


def test_syns_that_go_unanswered_beside_accepted_silent_connections_are_a_full_queue() -> None:
    found = {f.code: f for f in diagnose(_silent_server(answered=False))}
    assert found["accept-queue-overflow"].fault == "server"
    assert "syn-timeout" not in found


def test_a_server_that_answers_the_others_has_room() -> None:
    assert "accept-queue-overflow" not in {f.code for f in diagnose(_silent_server(answered=True))}


def test_two_syn_acks_with_different_numbers_are_two_servers_or_two_tries() -> None:
    connection = overflowing()
    assert connection.segments is not None
    seq = connection.segments.seq.copy()
    second = [n for n, flags in enumerate(connection.segments.flags) if flags == SYN | ACK][1:]
    seq[second] = 4711
    columns = ("number", "time_ns", "side", "seq", "ack", "length", "flags", "window", "ttl", "ip_id")
    values = {name: getattr(connection.segments, name) for name in columns}
    connection.segments = Segments(**{**values, "seq": seq})
    assert "accept-queue-overflow" not in [finding.code for finding in diagnose([connection])]
