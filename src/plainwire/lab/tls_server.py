"""What the lab's servers of HTTP/2 and WebSockets share: a listener, a thread a connection, a count.

Truth and life are those of the object store of ``http1_server``.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from plainwire.lab.behaviour import Behaviour
from plainwire.lab.http1_server import Truth, end_with_parent, server_context

if TYPE_CHECKING:
    import ssl


class TlsServer(ABC):
    """The listening socket and what all connections share."""

    alpn: ClassVar[tuple[str, ...]] = ()
    """The protocols that it offers (RFC 7301)."""

    def __init__(self, behaviour: Behaviour, listener: socket.socket, truth: Truth) -> None:
        self.behaviour = behaviour
        self.truth = truth
        self._listener = listener
        self._number = 0
        self._lock = threading.Lock()

    def next_number(self) -> int:
        """Number the next request of all connections, from 1."""
        with self._lock:
            self._number += 1
            return self._number

    @abstractmethod
    def talk(self, tls: ssl.SSLSocket, peer: str) -> None:
        """Serve one connection, until one of the two ends hangs up."""

    def serve(self, context: ssl.SSLContext) -> None:
        """Accept connections forever, a thread each."""
        while True:
            plain, address = self._listener.accept()
            threading.Thread(target=self._serve, args=(context, plain, address), daemon=True).start()

    def _serve(self, context: ssl.SSLContext, plain: socket.socket, address: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # the client's faults are the client's to report
            plain.settimeout(30)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, server_side=True) as tls:
                self.talk(tls, f"{address[0]}:{address[1]}")


def run(kind: type[TlsServer]) -> None:
    """Serve by the command line (``ADDRESS CHAIN KEY LOG KEYS BEHAVIOUR``), while the parent lives."""
    address, chain, key, log, keys, behaviour_json = sys.argv[1:]
    behaviour = Behaviour.from_json(behaviour_json)
    listener = socket.create_server((address, 0), backlog=64)
    server = kind(behaviour, listener, Truth(Path(log)))
    context = server_context(behaviour, Path(chain), Path(key), Path(keys))
    if kind.alpn:
        context.set_alpn_protocols(kind.alpn)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve, args=(context,), daemon=True).start()
    end_with_parent()
