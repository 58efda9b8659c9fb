"""A relay on loopback between a client and a server, which keeps what crosses it, in order."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 60.0


class Relay:
    """Accepts one connection after the other; ``wire`` holds what the last one carried."""

    def __init__(self, server_port: int) -> None:
        self.wire: list[tuple[Side, bytes]] = []
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._idle = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def begin(self) -> None:
        """Forget the last connection: a new one is to come."""
        self.wire = []
        self._idle.clear()

    def wait(self) -> list[tuple[Side, bytes]]:
        """What the connection carried; it is over when this returns."""
        assert self._idle.wait(_PATIENCE)
        return self.wire

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                self._carry(client)
            self._idle.set()

    def _carry(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._server_port), _PATIENCE) as server:
            back = threading.Thread(target=self._pump, args=(Side.SERVER, server, client), daemon=True)
            back.start()
            self._pump(Side.CLIENT, client, server)
            back.join(_PATIENCE)

    def _pump(self, side: Side, source: socket.socket, target: socket.socket) -> None:
        source.settimeout(_PATIENCE)
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self._lock:
                    self.wire.append((side, data))
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relay(server_port: int) -> Iterator[Relay]:
    """A relay to a server on loopback."""
    between = Relay(server_port)
    try:
        yield between
    finally:
        between.close()
