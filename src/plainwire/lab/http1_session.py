"""One HTTP/1.1 connection of the object store, from the end of its handshake to its close."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import socket
import struct
import termios
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from plainwire.lab.behaviour import Behaviour, Fault, Manner

if TYPE_CHECKING:
    import ssl

BODY = b"0123456789abcdef" * 64
LINGER_NONE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: close() sends RST|ACK (RFC 9293 section 3.9.1, ABORT)."""
RECEIVE_SIZE = 65536
AHEAD = 1200
"""Seconds by which the clock of Fault.SKEWED is wrong: signatures are good for 5 to 15 minutes."""
REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Time-out",
    413: "Content Too Large",
    421: "Misdirected Request",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def _head(status: int, *fields: str) -> bytes:
    lines = (f"HTTP/1.1 {status} {REASONS[status]}", "Server: plainwire-lab", *fields, "", "")
    return "\r\n".join(lines).encode()


def response(status: int, *fields: str) -> bytes:
    """A response without a body."""
    return _head(status, "Content-Length: 0", *fields)


def _whole(*fields: str) -> bytes:
    return _head(200, f"Content-Length: {len(BODY)}", *fields) + BODY


def _corrupt() -> bytes:
    packed = bytearray(gzip.compress(BODY, mtime=0))
    packed[-8] ^= 0xFF  # in the CRC
    return _head(200, "Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed


HALF = _whole()[: -len(BODY) // 2]
ONE_CHUNK = _head(200, "Transfer-Encoding: chunked") + b"%x\r\n%b\r\n" % (len(BODY), BODY)
UNFRAMED = _head(200, "Connection: close") + BODY[: len(BODY) // 2]
CUT = {
    Fault.RESET_MID_REQUEST: (b"", Manner.RESET),
    Fault.CLOSE_MID_REQUEST: (b"", Manner.CLOSE),
    Fault.FIN_MID_REQUEST: (b"", Manner.FIN),
    Fault.RESET_MID_RESPONSE: (HALF, Manner.RESET),
    Fault.TRUNCATE: (HALF, Manner.CLOSE),
    Fault.TRUNCATE_SILENTLY: (HALF, Manner.FIN),
    Fault.TRUNCATE_CHUNKED: (ONE_CHUNK, Manner.CLOSE),
    Fault.TRUNCATE_CHUNKED_SILENTLY: (ONE_CHUNK, Manner.FIN),
    Fault.TRUNCATE_UNFRAMED: (UNFRAMED, Manner.FIN),
}
"""What is sent in place of a response, and how the connection is ended then."""
STATUSES: dict[Fault, tuple[int] | tuple[int, str]] = {
    Fault.RATE_LIMIT: (429, "Retry-After: 30"),
    Fault.BAD_GATEWAY: (502,),
    Fault.UNAUTHORIZED: (401, 'WWW-Authenticate: Bearer error="invalid_token"'),
    Fault.MISDIRECTED: (421,),
    Fault.REDIRECT: (302, "Location: /container/elsewhere"),
    Fault.OVERLOAD: (503,),
    Fault.TOO_LARGE: (413,),
    Fault.GATEWAY_TIMEOUT: (504,),
    Fault.MISSING: (404,),
}
EVENT_STREAM = _head(200, "Content-Type: text/event-stream", "Transfer-Encoding: chunked")


def _chunk(text: str) -> bytes:
    return f"{len(text):x}\r\n{text}\r\n".encode()


def _delta(word: str) -> bytes:
    """One event as language models send it, in a chunk of its own."""
    choice = f'{{"index":0,"delta":{{"content":"{word}"}},"finish_reason":null}}'
    return _chunk(f'data: {{"object":"chat.completion.chunk","choices":[{choice}]}}\n\n')


PAGE = b"<!DOCTYPE html><title>Request blocked</title><p>Your request was blocked.</p>"
LAST_CHUNK = b"0\r\n\r\n"
SOME_EVENTS = EVENT_STREAM + _delta("Hello") + _delta("world")
ODD = {
    Fault.EVENTS: SOME_EVENTS + _chunk("data: [DONE]\n\n") + LAST_CHUNK,
    Fault.EVENTS_FAIL: SOME_EVENTS
    + _chunk('event: error\ndata: {"error":{"type":"overloaded_error","message":"Overloaded"}}\n\n')
    + LAST_CHUNK,
    Fault.EVENTS_UNFINISHED: SOME_EVENTS + LAST_CHUNK,
    Fault.EXCESS_BODY: _whole() + b"x" * 40,
    Fault.DOUBLE_RESPONSE: _whole() * 2,
    Fault.BAD_CHUNK: _head(200, "Transfer-Encoding: chunked") + b"zz\r\n",
    Fault.CORRUPT_GZIP: _corrupt(),
    Fault.FIREWALL: _head(403, "Content-Type: text/html", f"Content-Length: {len(PAGE)}") + PAGE,
}
"""What is sent in place of a response on a connection that goes on."""
DELAYED = frozenset({Fault.SLOW, Fault.GATEWAY_TIMEOUT})


class ReceivedRequest(Struct, frozen=True):
    """As much of a request as an object store needs.

    ``left``: bytes of its body that were not read yet. ``refused``: the status with which its header is
    answered, where it is too large or breaks the rules; else 0.
    """

    method: str
    target: str
    left: int
    refused: int


class Store(Protocol):
    """What a session needs of the server that it belongs to."""

    behaviour: Behaviour

    def next_fault(self) -> tuple[int, Fault]:
        """Number the next request and say what to do to it."""

    def reload_time(self) -> float:
        """The monotonic time of the reload; infinity where there is none (any more)."""

    def log(self, event: str, peer: str, **facts: object) -> None:
        """Write down what was done."""

    def crash(self) -> None:
        """Reset every connection, this one too, and be away for a while."""


class Session:
    """``serve`` returns when the connection is over."""

    def __init__(self, tls: ssl.SSLSocket, peer: str, store: Store, born: float) -> None:
        """``born``: when the connection was accepted, by the monotonic clock."""
        self._tls = tls
        self._peer = peer
        self._store = store
        self._unread = b""
        self._born = born
        self._requests = 0

    def serve(self) -> None:
        """Serve requests until one of the two ends hangs up."""
        while (request := self._read_request()) is not None:
            self._requests += 1
            number, fault = self._store.next_fault()
            if fault is Fault.STOP_READING:
                time.sleep(self._store.behaviour.delay)
            if fault is not Fault.EARLY_413 and not self._skip(request.left):
                return
            self._log("request", number=number, method=request.method, target=request.target, fault=fault)
            if not self._answer(request, number, fault):
                return

    def _log(self, event: str, **facts: object) -> None:
        self._store.log(event, self._peer, **facts)

    # --- reading ---

    def _read_request(self) -> ReceivedRequest | None:
        """The next request's header; None where the connection is over."""
        while b"\r\n\r\n" not in self._unread:
            left = self._deadline() - time.monotonic()
            self._tls.settimeout(max(0.001, left))
            try:
                received = self._tls.recv(RECEIVE_SIZE)
            except TimeoutError:
                self._close_idle()
                return None
            if not received:
                return None
            self._unread += received
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _version = lines[0].split(" ")
        named = [line.partition(":") for line in lines[1:]]
        size = next((int(value) for name, _, value in named if name.lower() == "content-length"), 0)
        refused = 431 if len(head) > self._store.behaviour.head_limit else 0
        if any(" " in name for name, _, _ in named):  # RFC 9112 section 5.1: a server must refuse it
            refused = 400
        return ReceivedRequest(method, target, size, refused)

    def _deadline(self) -> float:
        behaviour = self._store.behaviour
        age = self._born + behaviour.max_age if behaviour.max_age else float("inf")
        return min(time.monotonic() + behaviour.idle_timeout, age, self._store.reload_time())

    def _skip(self, left: int) -> bool:
        """Read past the body; False where it did not come in time, and the connection is over."""
        self._tls.settimeout(self._store.behaviour.body_timeout)
        while left > len(self._unread):
            left -= len(self._unread)
            try:
                self._unread = self._tls.recv(RECEIVE_SIZE)
            except TimeoutError:
                self._log("body-timeout")
                self._hang_up(Manner.TIMEOUT_408)
                return False
            if not self._unread:
                message = "the client closed in its request's body"
                raise ConnectionError(message)
        self._unread = self._unread[left:]
        return True

    # --- answering ---

    def _answer(self, request: ReceivedRequest, number: int, fault: Fault) -> bool:
        """Do to the request what ``fault`` says; False where the connection is over."""
        self._tls.settimeout(self._store.behaviour.send_timeout)
        if request.refused:
            self._status(number, request.refused)
            return True
        if request.target == self._store.behaviour.broken:
            self._status(number, 500)
            return True
        if fault in DELAYED:
            time.sleep(self._store.behaviour.delay)
        if fault in CUT:
            sent, manner = CUT[fault]
            self._tls.sendall(sent)
            self._hang_up(manner)
        elif fault in STATUSES:
            self._status(number, *STATUSES[fault])
        elif fault is Fault.SKEWED:
            self._status(number, 403, f"Date: {formatdate(time.time() + AHEAD, usegmt=True)}")
        elif fault in ODD:
            self._tls.sendall(ODD[fault])
        elif fault is Fault.EVENTS_SILENT:
            self._tls.sendall(SOME_EVENTS)
            time.sleep(self._store.behaviour.delay)
            self._hang_up(Manner.CLOSE)
            return False
        elif fault is Fault.STALL:
            self._stall(number)
        else:
            return self._respond_and_perhaps_close(request, number, fault)
        return fault not in CUT

    def _respond_and_perhaps_close(self, request: ReceivedRequest, number: int, fault: Fault) -> bool:
        """Answer as one should, or nearly so."""
        if fault is Fault.EARLY_413:
            self._refuse(number)
        elif fault is Fault.CRASH:
            self._store.crash()
        elif fault is Fault.ANNOUNCE_CLOSE:
            self._announce_close(request, number)
        else:
            return self._respond_well(request, number, last=fault is Fault.CLOSE_AFTER_RESPONSE)
        return False

    def _respond_well(self, request: ReceivedRequest, number: int, *, last: bool) -> bool:
        behaviour = self._store.behaviour
        full = self._requests == behaviour.max_requests
        announced = ("Connection: close",) if full and behaviour.announce else ()
        self._respond(request, number, *announced)
        if not last and not full:
            return True
        self._log("last-response")
        self._hang_up(Manner.CLOSE)
        return False

    def _stall(self, number: int) -> None:
        self._tls.sendall(HALF)
        time.sleep(self._store.behaviour.delay)
        self._tls.sendall(BODY[len(BODY) // 2 :])
        self._log("response", number=number, status=200)

    def _refuse(self, number: int) -> None:
        self._status(number, 413, "Connection: close")
        time.sleep(0.05)  # more of the body comes in, which the close then finds unread
        self._tls.close()

    def _status(self, number: int, status: int, *fields: str) -> None:
        self._tls.sendall(_head(status, "Content-Length: 0", *fields))
        self._log("response", number=number, status=status)

    def _respond(self, request: ReceivedRequest, number: int, *fields: str) -> None:
        hint = self._store.behaviour.hint
        if hint and not fields:
            fields = (f"Keep-Alive: timeout={hint}",)
        size = self._store.behaviour.body_size
        body = b"" if request.method == "HEAD" else (BODY * (size // len(BODY) + 1))[:size]
        try:
            self._tls.sendall(_head(200, f"Content-Length: {size}", *fields) + body)
        except TimeoutError:
            self._log("send-timeout", number=number)
            self._tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
            self._tls.close()
            raise
        self._log("response", number=number, status=200)

    def _announce_close(self, request: ReceivedRequest, number: int) -> None:
        self._respond(request, number, "Connection: close")
        ignored = self._read_request()
        if ignored is not None:
            self._log("ignored", target=ignored.target)
            self._hang_up(Manner.CLOSE)

    # --- hanging up ---

    def _close_idle(self) -> None:
        self._log("idle-close")
        self._hang_up(self._store.behaviour.idle_manner)

    def _hang_up(self, manner: Manner) -> None:
        if manner is Manner.RESET:
            self._reset()
            return
        if manner is Manner.TIMEOUT_408:
            self._tls.sendall(response(408, "Connection: close"))
        self._close(notify=manner is not Manner.FIN)

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
