"""Whose connection: by what the program's side saw of it, and never somebody else's."""

from __future__ import annotations

import pytest

from plainwire import attribution
from plainwire.model import Connection, Endpoint, ProgramConnection, ProgramEvents, QuicInfo, TlsInfo
from plainwire.tls.keylog import KeyLog

SECOND = 1_000_000_000
CLIENT, SERVER = Endpoint("10.0.0.1", 5001), Endpoint("10.0.0.2", 443)
OWNER = ProgramConnection(pid=7, thread=7, command="client")


def connection(number: int, began: float, ended: float, client: Endpoint = CLIENT) -> Connection:
    """From second to second."""
    opened, last = round(began * SECOND), round(ended * SECOND)
    return Connection(number, client, SERVER, number, opened, last_packet=number, last_ns=last)


def called(at: float, local: str = str(CLIENT), peer: str = str(SERVER)) -> ProgramEvents:
    """The program made one call on a socket with these ends."""
    return ProgramEvents(by_sockets={(local, peer): [(round(at * SECOND), OWNER)]})


def own(events: ProgramEvents, *connections: Connection) -> list[int]:
    attribution.name_owners(list(connections), events)
    return [each.id for each in attribution.own(list(connections), events, KeyLog())]


@pytest.mark.parametrize("at", [10.001, 12, 20.5])
def test_a_call_before_its_end_names_a_connection(at: float) -> None:
    assert own(called(at), connection(1, 10, 20)) == [1]


def test_a_call_long_after_its_end_does_not() -> None:
    assert own(called(25), connection(1, 10, 20)) == []


@pytest.mark.parametrize(("at", "whose"), [(10.1, [1]), (30.1, [2])])
def test_of_two_with_the_same_ends_the_call_names_that_which_had_begun_last(
    at: float, whose: list[int]
) -> None:
    """A port is free again as soon as its connection is over, for any program."""
    assert own(called(at), connection(1, 10, 20), connection(2, 30, 40)) == whose


def test_both_are_the_programs_where_it_called_for_both() -> None:
    events = called(10.1)
    events.by_sockets[str(CLIENT), str(SERVER)].append((30 * SECOND, OWNER))
    assert own(events, connection(1, 10, 20), connection(2, 30, 40)) == [1, 2]


@pytest.mark.parametrize("local", ["0.0.0.0:5001", "[::]:5001"])
def test_a_connect_that_failed_is_known_by_its_port_and_its_peer(local: str) -> None:
    """The kernel has forgotten the local address by then."""
    other_port = connection(2, 10, 20, Endpoint("10.0.0.1", 5002))
    assert own(called(10.5, local), connection(1, 10, 20), other_port) == [1]
    assert own(called(10.5, local, peer="10.0.0.3:443"), connection(1, 10, 20)) == []


def test_a_program_that_is_the_server_names_its_own_end_first() -> None:
    assert own(called(10.5, str(SERVER), str(CLIENT)), connection(1, 10, 20)) == [1]


def test_notes_of_any_kind_do_not_make_the_connections_of_others_the_programs() -> None:
    """A process that was left behind, a file that was cut."""
    note = "process 7 still runs and uses /tmp/x: remove it after its end"
    assert own(ProgramEvents(notes=[note]), connection(1, 10, 20)) == []
    assert own(ProgramEvents(notes=[note], unwatched=True), connection(1, 10, 20)) == [1]


def test_a_connection_of_anothers_whose_client_random_has_no_secret_is_not_the_programs() -> None:
    stranger = connection(1, 10, 20)
    stranger.tls = TlsInfo(client_random=bytes(32))
    assert own(ProgramEvents(by_client_random={b"\1" * 32: OWNER}), stranger) == []


def quic(number: int, server: Endpoint, *, answered: bool) -> Connection:
    """Over a socket that was never connected, as the interposer sees none."""
    found = connection(number, 10, 20, Endpoint("10.0.0.1", 6000 + number))
    found.server, found.transport, found.quic = server, "quic", QuicInfo(answered=answered)
    return found


def test_an_attempt_by_quic_in_vain_is_the_programs_where_its_socket_sent_it() -> None:
    """There are no secrets of a handshake that got no answer, and another program may try the same server."""
    stale = quic(2, Endpoint(SERVER.address, 8443), answered=False)
    strangers = quic(3, Endpoint(SERVER.address, 8443), answered=False)
    events = called(10.5)
    events.by_datagrams = called(10.2, "[::]:6002", str(stale.server)).by_sockets
    assert own(events, connection(1, 10, 20), stale, strangers) == [1, 2]
    assert own(called(10.5), connection(1, 10, 20), strangers) == [1]


def test_what_a_socket_sends_in_datagrams_is_not_said_of_a_tcp_connection_with_these_ends() -> None:
    datagrams = ProgramEvents(by_datagrams=called(10.5).by_sockets)
    assert own(datagrams, connection(1, 10, 20)) == []


def test_of_a_program_that_only_the_kernel_sees_its_tcp_stays_and_all_of_quic() -> None:
    events = called(10.5)
    events.unwatched = events.witnessed = True
    stranger = connection(2, 10, 20, Endpoint("10.0.0.1", 5002))
    assert own(events, connection(1, 10, 20), stranger, quic(3, SERVER, answered=True)) == [1, 3]
    events.witnessed = False
    assert own(events, connection(1, 10, 20), stranger) == [1, 2]


def test_sockets_that_the_kernel_does_not_know_are_forgotten() -> None:
    """The program may write what it likes. Where a connect failed, only one knows the local address."""
    mine, peer = str(CLIENT), str(SERVER)
    events = called(10, mine)
    events.by_sockets |= called(10, "10.0.0.1:5009").by_sockets | called(10, "0.0.0.0:5003").by_sockets
    assert attribution.unconfirmed(events, {(mine, peer), ("10.0.0.1:5003", peer)}) == 1
    assert set(events.by_sockets) == {(mine, peer), ("0.0.0.0:5003", peer)}
    assert attribution.unconfirmed(events, set()) == 2
