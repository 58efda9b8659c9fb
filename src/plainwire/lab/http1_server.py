"""An HTTPS object store that misbehaves on purpose, in a process of its own.

It answers ``GET /anything`` with some bytes, except where its ``Behaviour`` says otherwise, and writes
down what it did (``log``, one JSON object a line): the truth that plainwire's findings are held against.

    {"event": "request", "time", "peer", "number", "method", "target", "fault"}   a whole request was read
    {"event": "response", "time", "peer", "number", "status"}                     a whole response was written
    {"event": "idle-close", "time", "peer"}                                      an idle connection was closed
    {"event": "greeting", "time", "peer", "fault"}                               a ClientHello was ill-treated

Life: it prints its port on standard output and ends when standard input ends, so that it never
outlives the process that started it, however that one ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import ssl
import sys
import threading
import time
from pathlib import Path

from plainwire.lab.behaviour import Behaviour, Fault, Greeting
from plainwire.lab.http1_session import LINGER_NONE, RECEIVE_SIZE, Session, response

ALERT_INTERNAL_ERROR = bytes((21, 3, 3, 0, 2, 2, 80))  # RFC 8446 sections 5.1 and 6


_libc = ctypes.CDLL(None)


class Truth:
    """The log of what the server really did; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("x", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def write(self, event: str, peer: str, **facts: object) -> None:
        """Add one line."""
        line = json.dumps({"event": event, "time": time.time(), "peer": peer, **facts})
        with self._lock:
            self._file.write(line + "\n")


class Http1Server:
    """The listening socket and what all sessions share."""

    def __init__(self, behaviour: Behaviour, listener: socket.socket, truth: Truth) -> None:
        self.behaviour = behaviour
        self._truth = truth
        self._listener = listener
        self._address = listener.getsockname()
        self._faults = behaviour.faults()
        self._lock = threading.Lock()
        self._connections = 0
        self._open: set[socket.socket] = set()
        self._reload = float("inf")

    def next_fault(self) -> tuple[int, Fault]:
        """Number the next request and say what to do to it."""
        with self._lock:
            number, fault = self._faults.next()
            if number == 1 and self.behaviour.reload_at:
                self._reload = time.monotonic() + self.behaviour.reload_at
            return number, fault

    def reload_time(self) -> float:
        """The monotonic time of the reload; infinity where there is none (any more)."""
        return self._reload if time.monotonic() <= self._reload + 0.05 else float("inf")

    def log(self, event: str, peer: str, **facts: object) -> None:
        """Write down what was done."""
        self._truth.write(event, peer, **facts)

    def serve(self, context: ssl.SSLContext) -> None:
        """Accept connections forever, a thread each."""
        while True:
            try:
                plain, address = self._listener.accept()
            except OSError:  # crashed: back after the delay
                time.sleep(self.behaviour.delay)
                self._listener = socket.create_server(self._address, backlog=64)
                continue
            self._connections += 1
            arguments = (context, plain, f"{address[0]}:{address[1]}", self._connections)
            threading.Thread(target=self._session, args=arguments, daemon=True).start()

    def crash(self) -> None:
        """Reset every connection and stop listening; ``serve`` comes back after the delay.

        To connect to an address of no family resets a connection at once (connect(2)), also one that another
        thread is reading from, which close() would not.
        """
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept; close alone does not
        self._listener.close()
        for each in list(self._open):
            _libc.connect(each.fileno(), bytes(16), 16)

    def _session(self, context: ssl.SSLContext, plain: socket.socket, peer: str, number: int) -> None:
        with contextlib.suppress(OSError):  # the client's faults are the client's to report
            born = time.monotonic()
            plain.settimeout(30)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            greeting = self.behaviour.greetings.get(number)
            if greeting is not None:
                self.log("greeting", peer, fault=greeting)
                _greet(plain, greeting)
                return
            with context.wrap_socket(plain, server_side=True) as tls:
                self._open.add(tls)
                try:
                    Session(tls, peer, self, born).serve()
                finally:
                    self._open.discard(tls)


def _greet(plain: socket.socket, greeting: Greeting) -> None:
    """Do to a ClientHello what is ordered, and hang up."""
    with plain:
        plain.recv(RECEIVE_SIZE)
        match greeting:
            case Greeting.RESET:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
            case Greeting.ALERT:
                plain.sendall(ALERT_INTERNAL_ERROR)
            case Greeting.PLAINTEXT:
                plain.sendall(response(408, "Connection: close"))
            case Greeting.STALL:
                plain.recv(RECEIVE_SIZE)
            case Greeting.CLOSE:
                pass


def server_context(behaviour: Behaviour, chain: Path, key: Path, keys: Path) -> ssl.SSLContext:
    """TLS as the behaviour wants it; its secrets go to the new file ``keys``."""
    os.close(os.open(keys, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.keylog_filename = str(keys)
    context.load_cert_chain(chain, key)
    if behaviour.tls is not None:
        version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[behaviour.tls]
        context.minimum_version = context.maximum_version = version
    return context


def end_with_parent() -> None:
    """Wait for the end of standard input, then end the whole process, sessions and all."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    """``http1_server ADDRESS CHAIN KEY LOG KEYS BEHAVIOUR``."""
    address, chain, key, log, keys, behaviour_json = sys.argv[1:]
    behaviour = Behaviour.from_json(behaviour_json)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if Fault.STOP_READING in {behaviour.fault, *behaviour.schedule.values()}:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    if behaviour.congestion_control:
        chosen = behaviour.congestion_control.encode()
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, chosen)
    listener.bind((address, 0))
    listener.listen(64)
    store = Http1Server(behaviour, listener, Truth(Path(log)))
    context = server_context(behaviour, Path(chain), Path(key), Path(keys))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=store.serve, args=(context,), daemon=True).start()
    end_with_parent()


if __name__ == "__main__":
    main()
