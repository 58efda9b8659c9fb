"""The path delays and forwards, whole packets, in order, and ends when told; its faults strike as ordered."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from contextlib import ExitStack

import pytest

from plainwire.lab import middlebox, segment
from plainwire.lab.middlebox import Middlebox
from plainwire.lab.route import Route
from plainwire.lab.segment import ACK, ECN, FIN, RST, SYN

DELAY = 0.2
CLIENT, SERVER = (socket.inet_aton("10.78.0.1"), 40000), (socket.inet_aton("10.78.0.2"), 443)
REQUEST = b"x" * 108


def test_packets_arrive_in_order_and_not_before_the_delay() -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(end) for _ in range(3) for end in _pair()]
        client, client_far, server, server_far, control, control_far = sockets
        server.settimeout(30)
        descriptors = (client_far.fileno(), server_far.fileno(), control_far.fileno())
        path = threading.Thread(
            target=middlebox.forward, args=(*descriptors, Middlebox(Route(delay=DELAY)), 30)
        )
        path.start()
        sent = time.monotonic()
        packets = [b"packet %d" % number for number in range(50)]
        for packet in packets:
            client.send(packet)
        received = [server.recv(100)]
        took = time.monotonic() - sent
        received += [server.recv(100) for _ in packets[1:]]
        control.close()
        path.join(30)
        assert not path.is_alive()
    assert received == packets
    assert took >= DELAY


def test_it_ends_with_its_lifetime() -> None:
    with ExitStack() as stack:
        _, client, _, server, _, control = [stack.enter_context(end) for _ in range(3) for end in _pair()]
        middlebox.forward(client.fileno(), server.fileno(), control.fileno(), Middlebox(Route()), 0.05)


def test_route_survives_the_command_line() -> None:
    route = Route(delay=0.1, lose_from_client=(3, 5), drop_synack=True)
    assert Route.from_json(route.to_json()) == route


def test_forgetful_nat_swallows_what_comes_after_the_idle_time_and_serves_new_connections() -> None:
    path = _Path(Route(idle_drop=1.0))
    path.open()
    assert path.client(ACK, 1, 1, REQUEST)
    path.now += 1.5
    assert path.client(ACK, 109, 1, REQUEST) == []
    assert path.server(ACK, 1, 109) == []
    path.open(begins=5000)  # the port is used again
    assert path.client(ACK, 1, 1, REQUEST)
    assert path.events() == ["idle-drop"]


def test_resetting_nat_answers_with_the_clients_own_acknowledgment_and_another_ttl() -> None:
    path = _Path(Route(delay=0.04, idle_reset=1.0))
    path.open()
    path.now += 1.5
    ((at, side, packet),) = path.client(ACK, 1, 77, REQUEST)
    reset = segment.read(packet)
    assert reset is not None
    assert (side, reset.flags, reset.seq, packet[8]) == ("client", RST, 77, middlebox.NAT_TTL)
    assert at - path.now < 0.04  # earlier than the server could have answered


def test_idle_timer_of_a_load_balancer_resets_both_ends_in_window() -> None:
    path = _Path(Route(idle_reset_both=1.0))
    path.open()
    path.client(ACK, 1, 1, REQUEST)
    assert path.box.due(path.now + 0.5) == []
    resets = {side: segment.read(packet) for _, side, packet in path.box.due(path.now + 1.1)}
    assert path.box.due(path.now + 1.2) == []
    to_client, to_server = resets["client"], resets["server"]
    assert to_client is not None
    assert to_server is not None
    assert (to_client.seq, to_client.ack, to_server.seq) == (1, 109, 109)


def test_forged_reset_does_not_keep_the_segment_from_the_server() -> None:
    path = _Path(Route(inject=2))
    path.open()
    assert [side for _, side, _ in path.client(ACK, 1, 1, REQUEST)] == ["server"]
    assert sorted(side for _, side, _ in path.client(ACK, 109, 1, REQUEST)) == ["client", "server"]


def test_lost_segment_comes_when_it_is_sent_again() -> None:
    path = _Path(Route(lose_from_client=(2,)))
    path.open()
    assert path.client(ACK, 1, 1, REQUEST)
    assert path.client(ACK, 109, 1, REQUEST) == []
    assert path.client(ACK, 109, 1, REQUEST)
    assert path.client(ACK, 217, 1, REQUEST)


def test_window_scale_is_gone_and_the_checksum_right() -> None:
    options = bytes((2, 4, 5, 180, 1, 3, 3, 7))  # MSS 1460, NOP, window scale 7
    packet = _packet(SERVER, CLIENT, SYN | ACK, (0, 1), options=options)
    changed = segment.without_window_scale(packet)
    assert changed[-8:] == bytes((2, 4, 5, 180, 1, 1, 1, 1))
    pseudo = changed[12:20] + bytes((0, 6)) + len(changed[20:]).to_bytes(2, "big")
    assert segment._checksum(pseudo + changed[20:]) == b"\0\0"


def test_syns_that_offer_ecn_are_swallowed_and_the_next_one_without_passes() -> None:
    path = _Path(Route(drop_ecn_syn=True))
    assert path.client(SYN | ECN, 0, 0) == []
    assert [side for _, side, _ in path.client(SYN, 0, 0)] == ["server"]
    assert [side for _, side, _ in path.server(SYN | ACK, 0, 1)] == ["client"]
    assert path.events() == ["drop-ecn-syn"]


def test_request_and_close_that_meet_on_the_way_are_written_down() -> None:
    for first in ("client", "server"):
        path = _Path(Route())
        path.open()
        if first == "client":
            path.client(ACK, 1, 1, REQUEST)
            path.server(FIN | ACK, 1, 1)
        else:
            path.server(FIN | ACK, 1, 1)
            path.client(ACK, 1, 1, REQUEST)
        assert path.events() == ["crossed"]


def test_request_after_an_acknowledged_close_is_late_and_a_served_one_is_nothing() -> None:
    path = _Path(Route())
    path.open()
    path.client(ACK, 1, 1, REQUEST)
    path.server(ACK, 1, 109, REQUEST)
    path.server(FIN | ACK, 109, 109)
    assert path.events() == []
    path.now += 0.5
    path.client(ACK, 109, 110, REQUEST)
    assert path.events() == ["late"]
    assert json.loads(path.log.getvalue())["after"] == pytest.approx(0.5)


class _Path:
    """A middlebox, a clock that only this test moves, and two ends that send by hand."""

    def __init__(self, route: Route) -> None:
        self.log = io.StringIO()
        self.box = Middlebox(route, self.log)
        self.now = 100.0

    def open(self, begins: int = 0) -> None:
        self.client(SYN, begins, 0)
        self.server(SYN | ACK, 0, 1)
        self.client(ACK, 1, 1)

    def client(self, flags: int, seq: int, ack: int, data: bytes = b"") -> list[tuple[float, str, bytes]]:
        return self.box.pass_on("client", _packet(CLIENT, SERVER, flags, (seq, ack), data), self.now)

    def server(self, flags: int, seq: int, ack: int, data: bytes = b"") -> list[tuple[float, str, bytes]]:
        return self.box.pass_on("server", _packet(SERVER, CLIENT, flags, (seq, ack), data), self.now)

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.log.getvalue().splitlines()]


def _packet(
    source: tuple[bytes, int],
    target: tuple[bytes, int],
    flags: int,
    numbers: tuple[int, int],
    data: bytes = b"",
    options: bytes = b"",
) -> bytes:
    bare = segment.make(source, target, numbers, flags, ttl=64, ip_id=1)
    offset = bytes([(5 + len(options) // 4) << 4])
    return bare[:32] + offset + bare[33:40] + options + data


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
