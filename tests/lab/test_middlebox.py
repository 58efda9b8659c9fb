"""The path delays and forwards, whole packets, in order, and ends when told."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

from plainwire.lab import middlebox

DELAY = 0.2


def test_packets_arrive_in_order_and_not_before_the_delay() -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(end) for _ in range(3) for end in _pair()]
        client, client_far, server, server_far, control, control_far = sockets
        server.settimeout(30)
        path = threading.Thread(
            target=middlebox.forward,
            args=(client_far.fileno(), server_far.fileno(), control_far.fileno(), DELAY, 30),
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
        middlebox.forward(client.fileno(), server.fileno(), control.fileno(), DELAY, 0.05)


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
