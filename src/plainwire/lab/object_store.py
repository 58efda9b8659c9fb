"""An HTTPS object store that misbehaves on purpose, in a process of its own.

It answers ``GET /anything`` with some bytes, except where its ``Behaviour`` says otherwise, and writes
down what it did (``log``, one JSON object a line): the truth that plainwire's findings are held against.

    {"event": "request", "time", "peer", "number", "method", "target", "fault"}   a whole request was read
    {"event": "response", "time", "peer", "number", "status"}                     a whole response was written
    {"event": "idle-close", "time", "peer"}                                       the idle timeout struck

Life: it prints its port on standard output and ends when standard input ends, so that it never
outlives the process that started it, however that one ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import ssl
import struct
import sys
import termios
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from plainwire.lab.behaviour import Behaviour, Fault

BODY = b"0123456789abcdef" * 64
LINGER_NONE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: close() sends RST|ACK (RFC 9293 section 3.9.1, ABORT)."""
RECEIVE_SIZE = 65536
HEAD_LIMIT = 65536


@dataclass(frozen=True, slots=True)
class Request:
    """As much of a request as an object store needs."""

    method: str
    target: str
    body_size: int


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


class Session:
    """One connection, from the end of its handshake to its close."""

    def __init__(self, tls: ssl.SSLSocket, peer: str, store: ObjectStore) -> None:
        self._tls = tls
        self._peer = peer
        self._store = store
        self._unread = b""

    def serve(self) -> None:
        """Serve requests until one of the two ends hangs up."""
        while (request := self._read_request()) is not None:
            number, fault = self._store.next_fault()
            self._log("request", number=number, method=request.method, target=request.target, fault=fault)
            if not self._answer(request, number, fault):
                return

    def _log(self, event: str, **facts: object) -> None:
        self._store.truth.write(event, self._peer, **facts)

    # --- reading ---

    def _read_request(self) -> Request | None:
        """The next request; None where the client closed, or was idle for too long and has been closed."""
        self._tls.settimeout(self._store.behaviour.idle_timeout)
        while b"\r\n\r\n" not in self._unread:
            try:
                received = self._tls.recv(RECEIVE_SIZE)
            except TimeoutError:
                self._close_idle()
                return None
            if not received or len(self._unread) > HEAD_LIMIT:
                return None
            self._unread += received
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _version = lines[0].split(" ")
        return Request(method, target, self._skip_body(lines[1:]))

    def _skip_body(self, fields: list[str]) -> int:
        named = (line.partition(":") for line in fields)
        size = next((int(value) for name, _, value in named if name.lower() == "content-length"), 0)
        left = size
        while left > len(self._unread):
            left -= len(self._unread)
            self._unread = self._tls.recv(RECEIVE_SIZE)
            if not self._unread:
                message = "the client closed in its request's body"
                raise ConnectionError(message)
        self._unread = self._unread[left:]
        return size

    # --- answering ---

    def _answer(self, request: Request, number: int, fault: Fault) -> bool:
        """Do to the request what ``fault`` says; False where the connection is over."""
        match fault:
            case Fault.RESET_MID_REQUEST:
                self._reset()
            case Fault.CLOSE_MID_REQUEST:
                self._close(notify=True)
            case Fault.FIN_MID_REQUEST:
                self._close(notify=False)
            case Fault.RESET_MID_RESPONSE:
                self._tls.sendall(_head(200, f"Content-Length: {len(BODY)}") + BODY[: len(BODY) // 2])
                self._reset()
            case Fault.TRUNCATE | Fault.TRUNCATE_SILENTLY:
                self._tls.sendall(_head(200, f"Content-Length: {len(BODY)}") + BODY[: len(BODY) // 2])
                self._close(notify=fault is Fault.TRUNCATE)
            case Fault.TRUNCATE_CHUNKED | Fault.TRUNCATE_CHUNKED_SILENTLY:
                chunk = b"%x\r\n%b\r\n" % (len(BODY), BODY)
                self._tls.sendall(_head(200, "Transfer-Encoding: chunked") + chunk)
                self._close(notify=fault is Fault.TRUNCATE_CHUNKED)
            case Fault.ANNOUNCE_CLOSE:
                self._respond(request, number, "Connection: close")
                self._swallow_one_request()
            case Fault.SLOW | Fault.NONE:
                if fault is Fault.SLOW:
                    time.sleep(self._store.behaviour.delay)
                self._respond(request, number)
                return True
        return False

    def _respond(self, request: Request, number: int, *fields: str) -> None:
        body = b"" if request.method == "HEAD" else BODY
        self._tls.sendall(_head(200, f"Content-Length: {len(BODY)}", *fields) + body)
        self._log("response", number=number, status=200)

    def _swallow_one_request(self) -> None:
        request = self._read_request()
        if request is not None:
            self._log("ignored", target=request.target)
            self._close(notify=True)

    # --- hanging up ---

    def _close_idle(self) -> None:
        self._log("idle-close")
        if self._store.behaviour.idle_408:
            self._tls.sendall(_head(408, "Content-Length: 0", "Connection: close"))
        self._close(notify=True)

    def _reset(self) -> None:
        self._wait_until_sent()
        self._tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
        self._tls.close()

    def _close(self, *, notify: bool) -> None:
        if notify:
            self._tls.settimeout(0)  # send close_notify, do not wait for the other side's
            with contextlib.suppress(OSError):
                self._tls.unwrap()
        self._tls.close()

    def _wait_until_sent(self) -> None:
        """Wait (5 s at most) until the peer acknowledged all: a reset discards what is not sent yet."""
        for _ in range(1000):
            unsent = struct.unpack("i", fcntl.ioctl(self._tls.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
            if not unsent:
                return
            time.sleep(0.005)


class ObjectStore:
    """The listening socket and what all sessions share."""

    def __init__(self, behaviour: Behaviour, listener: socket.socket, truth: Truth) -> None:
        self.behaviour = behaviour
        self.truth = truth
        self._listener = listener
        self._faults = behaviour.faults()
        self._lock = threading.Lock()

    def next_fault(self) -> tuple[int, Fault]:
        """Number the next request and say what to do to it."""
        with self._lock:
            return self._faults.next()

    def serve(self, context: ssl.SSLContext) -> None:
        """Accept connections for ever, a thread each."""
        while True:
            plain, address = self._listener.accept()
            threading.Thread(target=self._session, args=(context, plain, address), daemon=True).start()

    def _session(self, context: ssl.SSLContext, plain: socket.socket, address: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # the client's faults are the client's to report
            plain.settimeout(30)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, server_side=True) as tls:
                Session(tls, f"{address[0]}:{address[1]}", self).serve()


def _head(status: int, *fields: str) -> bytes:
    reason = {200: "OK", 408: "Request Time-out"}[status]
    return "\r\n".join((f"HTTP/1.1 {status} {reason}", "Server: plainwire-lab", *fields, "", "")).encode()


def _context(behaviour: Behaviour, chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    if behaviour.tls is not None:
        version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[behaviour.tls]
        context.minimum_version = context.maximum_version = version
    return context


def _end_with_parent() -> None:
    """Wait for the end of standard input, then end the whole process, sessions and all."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    """``object_store ADDRESS CHAIN KEY LOG BEHAVIOUR``."""
    address, chain, key, log, behaviour_json = sys.argv[1:]
    behaviour = Behaviour.from_json(behaviour_json)
    listener = socket.create_server((address, 0), backlog=64)
    store = ObjectStore(behaviour, listener, Truth(Path(log)))
    context = _context(behaviour, Path(chain), Path(key))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=store.serve, args=(context,), daemon=True).start()
    _end_with_parent()


if __name__ == "__main__":
    main()
