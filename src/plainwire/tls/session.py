"""One TLS connection: the bytes of both directions in, plain text, alerts and reasons out.

Theory of operation. Each direction is a queue of records and a state:

    clear -> (TLS 1.3: handshake keys ->) application keys; from anywhere -> dead, with a reason

A direction *steps*: it opens records until it needs something it does not have. That is either the
other direction's hello (the client's second flight cannot be read before the ServerHello is) or a
secret that is not in the key log yet. ``advance`` lets both directions step until neither moves.
Records that came before their key wait, up to ``MOST_WAITING`` bytes a direction.

RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2). A decrypted byte run keeps the offsets, in the TCP stream, of
the record that carried it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidTag

from plainwire.model import Gap, Side, TlsInfo
from plainwire.tls import handshake, suites
from plainwire.tls.ciphers import Aead13, RecordCipher, connection_ciphers, next_secret

if TYPE_CHECKING:
    from plainwire.tls.keylog import KeyLog

MOST_WAITING = 1 << 20
"""Bytes of records that one direction holds for a secret or hello to come."""

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION = 20, 21, 22, 23
_LONGEST_RECORD = 16384 + 2048
_MOST_HANDSHAKE = 1 << 20
_CLIENT_HELLO, _SERVER_HELLO, _END_OF_EARLY_DATA, _ENCRYPTED_EXTENSIONS = 1, 2, 5, 8
_CERTIFICATE, _SERVER_KEY_EXCHANGE, _FINISHED, _KEY_UPDATE = 11, 12, 20, 24
_TLS13 = 0x0304
_NO_HANDSHAKE = "the handshake is not in the capture"
NO_SECRET = "no secret for this client random"  # noqa: S105
_EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"


Plain = tuple[bytes, int, int]
"""Plain text of one record, which stands at ``[start, end)`` of the TCP stream."""


class Alert(NamedTuple):
    """An alert (RFC 8446 section 6) and the record that carried it."""

    side: Side
    description: int
    fatal: bool
    start: int
    end: int


class Reason(NamedTuple):
    """Why a direction cannot be read from ``offset`` on."""

    side: Side
    text: str
    offset: int


class _Direction:
    __slots__ = (
        "base",
        "buffer",
        "cipher",
        "dead",
        "done",
        "handshake",
        "parts",
        "plain",
        "reached",
        "record",
        "secret",
        "side",
        "skipping",
        "waiting",
        "wanted",
    )

    def __init__(self, side: Side) -> None:
        self.side = side
        self.buffer = b""
        self.parts: list[bytes] = []  # to be joined to ``buffer``
        self.base = 0  # stream offset of buffer[0]
        self.reached = 0  # and of the record that is being opened
        self.cipher: RecordCipher | None = None
        self.secret = b""  # TLS 1.3: what ``cipher`` was made of
        self.waiting = False  # the next record needs a cipher that cannot be made yet
        self.wanted = ""  # TLS 1.3: the label of the secret that ``cipher`` is to be made of
        self.skipping = False  # rejected early data may precede what the cipher opens
        self.done = False  # Finished was seen
        self.dead = False
        self.handshake = b""
        self.record = 0
        self.plain: list[Plain] = []


class TlsSession:
    """See the module's essay. ``plain``, ``alerts`` and ``reasons`` are outboxes."""

    def __init__(self, keys: KeyLog) -> None:
        self.info = TlsInfo()
        self.alerts: list[Alert] = []
        self.reasons: list[Reason] = []
        self._keys = keys
        self._sides = (_Direction(Side.CLIENT), _Direction(Side.SERVER))
        self._server_random = b""
        self._session_id = b""
        self._offered_session = b""
        self._early_offered = False
        self._retry = False  # a second ClientHello is due (RFC 8446 section 4.1.2)
        self._retried = False
        self._suite: suites.Suite | None = None
        self._version = 0
        self._unsupported = ""  # why what comes encrypted will not be read
        self._encrypt_then_mac = False
        self._certificate_seen = False
        self._tls12: tuple[RecordCipher, RecordCipher] | None = None

    def plain(self, side: Side) -> list[Plain]:
        """Take the plain text that has come since the last call."""
        direction = self._sides[side]
        taken, direction.plain = direction.plain, []
        return taken

    def feed(self, side: Side, offset: int, data: bytes) -> None:
        """Bytes of one direction, in order; ``offset`` is that of the first in the TCP stream."""
        direction = self._sides[side]
        if direction.dead:
            return
        if not direction.buffer and not direction.parts:
            direction.base = offset
        direction.parts.append(data)

    def gap(self, gap: Gap) -> None:
        """Bytes are missing: what follows them in this direction cannot be read."""
        direction = self._sides[gap.side]
        self._step_all()
        direction.reached = direction.base
        self._die(direction, f"bytes are missing from the capture in record {direction.record + 1}")

    def advance(self) -> None:
        """Open what can be opened."""
        self._step_all()
        for direction in self._sides:
            if direction.waiting and len(direction.buffer) > MOST_WAITING:
                self._die(direction, self._why_waiting(direction))

    def close(self) -> None:
        """No more bytes will come: what still waits never gets what it waits for."""
        self._step_all()
        for direction in self._sides:
            if direction.waiting and direction.buffer and not direction.dead:
                self._die(direction, self._why_waiting(direction))

    def _why_waiting(self, direction: _Direction) -> str:
        if not self.info.client_random or not self._version:
            return _NO_HANDSHAKE
        if direction.wanted and self._keys.has(self.info.client_random):
            return f"the key log has no {direction.wanted} for this client random"
        return NO_SECRET

    def _die(self, direction: _Direction, why: str) -> None:
        if not direction.dead:
            self.reasons.append(Reason(direction.side, why, direction.reached))
        direction.dead = True
        direction.buffer = b""
        direction.parts.clear()

    def _step_all(self) -> None:
        client, server = self._sides
        moved = True
        while moved:
            moved = self._step(client)
            moved = self._step(server) or moved

    # --- records ------------------------------------------------------------------------------------

    def _step(self, direction: _Direction) -> bool:
        """Open records until the buffer holds no whole one or something is lacking; True if any was."""
        if direction.parts:
            direction.buffer = b"".join((direction.buffer, *direction.parts))
            direction.parts.clear()
        buffer = direction.buffer
        at, size = 0, len(buffer)
        while size - at >= 5 and not direction.dead:
            if type(direction.cipher) is Aead13 and direction.done:
                reached = self._fast(direction, buffer, at)
                if reached > at:
                    at = reached
                    continue
            kind = buffer[at]
            length = buffer[at + 3] << 8 | buffer[at + 4]
            if not 20 <= kind <= 24 or buffer[at + 1] != 3 or length > _LONGEST_RECORD:
                direction.reached = direction.base + at
                self._die(direction, self._not_a_record(direction))
                return True
            end = at + 5 + length
            if end > size:
                break
            direction.reached = start = direction.base + at
            body = memoryview(buffer)[at + 5 : end]
            if not self._record(direction, kind, buffer[at + 1 : at + 3], body, start):
                break
            direction.record += 1
            at = end
        if direction.dead:
            return False
        if at:
            direction.buffer = buffer[at:]
            direction.base += at
        return at > 0

    def _fast(self, direction: _Direction, buffer: bytes, at: int) -> int:
        """TLS 1.3 application data after the handshake: the bulk of every capture.

        Stops, with the offset reached, at anything else: ``_step`` then takes that record.
        """
        cipher = direction.cipher
        assert type(cipher) is Aead13  # noqa: S101 - for the type checker
        decrypt, iv, sequence = cipher.decrypt, cipher.iv, cipher.sequence
        append, base = direction.plain.append, direction.base
        view, size, before = memoryview(buffer), len(buffer), sequence
        while size - at >= 5 and buffer[at] == _APPLICATION:
            body = at + 5
            end = body + (buffer[at + 3] << 8 | buffer[at + 4])
            if end > size:
                break
            try:
                text = decrypt((iv ^ sequence).to_bytes(12, "big"), view[body:end], view[at:body])
            except InvalidTag:
                break
            if not text or text[-1] != _APPLICATION:
                break
            sequence += 1
            append((text[:-1], base + at, base + end))
            at = end
        cipher.sequence = sequence
        direction.record += sequence - before
        return at

    def _not_a_record(self, direction: _Direction) -> str:
        if direction.record == 0 and direction.buffer.startswith(b"HTTP/"):
            return "the server answers in clear text where TLS was asked for"
        if direction.record == 0:
            return _NO_HANDSHAKE
        return f"no TLS record where record {direction.record + 1} should begin"

    def _record(self, direction: _Direction, kind: int, version: bytes, body: memoryview, start: int) -> bool:
        """Take one whole record; False if it must wait."""
        end = start + 5 + len(body)
        if self._unsupported and kind in (_CHANGE_CIPHER_SPEC, _APPLICATION):
            self._die(direction, self._unsupported)
            return True
        if kind == _CHANGE_CIPHER_SPEC:
            return self._change_cipher_spec(direction)
        if direction.cipher is None and direction.wanted and kind == _APPLICATION:
            self._install(direction, direction.wanted)
        if kind == _ALERT and (direction.cipher is None or self._version == _TLS13) and len(body) == 2:
            self._alert(direction, bytes(body), start, end)  # sent before its sender had keys
            return True
        if direction.cipher is None:
            if kind == _HANDSHAKE:
                return self._clear_handshake(direction, bytes(body))
            return self._wait(direction)
        text = direction.cipher.open(kind, version, body)
        if text is None:
            self._unopened(direction)
        else:
            self._opened(direction, kind, text, start, end)
        return True

    def _opened(self, direction: _Direction, kind: int, text: bytes, start: int, end: int) -> None:
        direction.skipping = False
        if self._version == _TLS13:  # TLSInnerPlaintext: content, type, zeros (RFC 8446 section 5.2)
            stripped = text.rstrip(b"\0")
            kind, text = (stripped[-1], stripped[:-1]) if stripped else (0, b"")
        self._content(direction, kind, text, start, end)

    def _unopened(self, direction: _Direction) -> None:
        if not direction.skipping:  # early data that nobody can read (RFC 8446 section 4.2.10)
            why = f"wrong secret, or damaged: record {direction.record + 1} does not authenticate"
            self._die(direction, why)

    def _content(self, direction: _Direction, kind: int, text: bytes, start: int, end: int) -> None:
        if kind == _APPLICATION:
            if text:
                direction.plain.append((text, start, end))
        elif kind == _ALERT:
            self._alert(direction, text, start, end)
        elif kind == _HANDSHAKE:
            self._handshake(direction, text)

    def _alert(self, direction: _Direction, text: bytes, start: int, end: int) -> None:
        if len(text) >= 2:
            self.alerts.append(Alert(direction.side, text[1], text[0] == 2, start, end))

    def _wait(self, direction: _Direction) -> bool:
        direction.waiting = True
        return False

    def _change_cipher_spec(self, direction: _Direction) -> bool:
        if self._version == 0 and not self.info.client_random:
            self._die(direction, _NO_HANDSHAKE)
            return True
        if self._version == _TLS13 or self._retried:
            return True  # means nothing (RFC 8446 section 5)
        if self._version == 0:
            return self._wait(direction)  # the client's early one: wait for the ServerHello
        return self._change_tls12(direction)

    # --- handshake ----------------------------------------------------------------------------------

    def _clear_handshake(self, direction: _Direction, body: bytes) -> bool:
        second = direction.side == Side.CLIENT and self.info.client_random and not self._version
        if second and not self._retry and not direction.handshake:
            return self._wait(direction)
        direction.waiting = False
        self._handshake(direction, body)
        return True

    def _handshake(self, direction: _Direction, text: bytes) -> None:
        """Handshake messages may be split over records, and several may share one."""
        direction.handshake += text
        while len(direction.handshake) >= 4 and not direction.dead:
            length = int.from_bytes(direction.handshake[1:4], "big")
            if length > _MOST_HANDSHAKE:
                self._die(direction, "a handshake message has an impossible length")
                return
            if len(direction.handshake) < 4 + length:
                return
            kind, body = direction.handshake[0], direction.handshake[4 : 4 + length]
            direction.handshake = direction.handshake[4 + length :]
            self._message(direction, kind, body)

    def _message(self, direction: _Direction, kind: int, body: bytes) -> None:
        from_client = direction.side == Side.CLIENT
        if kind in (_CLIENT_HELLO, _SERVER_HELLO) and direction.done:
            self._die(direction, "renegotiation is not supported")
        elif kind == _CLIENT_HELLO and from_client:
            self._client_hello(body)
        elif kind == _SERVER_HELLO and not from_client:
            self._server_hello(direction, body)
        elif kind == _ENCRYPTED_EXTENSIONS and not from_client:
            self._encrypted_extensions(handshake.extensions(body))
        elif kind in (_CERTIFICATE, _SERVER_KEY_EXCHANGE) and not from_client:
            self._certificate_seen = True
        elif kind == _END_OF_EARLY_DATA and self._version == _TLS13:
            self._install(direction, "CLIENT_HANDSHAKE_TRAFFIC_SECRET")
        elif kind == _FINISHED:
            self._finished(direction)
        elif kind == _KEY_UPDATE and self._version == _TLS13 and self._suite:
            direction.secret = next_secret(self._suite, direction.secret)
            direction.cipher = Aead13(self._suite, direction.secret)

    def _client_hello(self, body: bytes) -> None:
        hello = handshake.parse_hello(body, client=True)
        if hello is None:
            self._die(self._sides[Side.CLIENT], "the ClientHello is damaged")
            return
        self._retry = False
        self.info.client_random = hello.random
        self.info.server_name = hello.server_name
        self._offered_session = hello.session_id
        self._early_offered = handshake.EARLY_DATA in hello.extensions

    def _server_hello(self, direction: _Direction, body: bytes) -> None:
        hello = handshake.parse_hello(body, client=False)
        if hello is None:
            self._die(direction, "the ServerHello is damaged")
            return
        if hello.random == handshake.HELLO_RETRY_REQUEST:
            self._retry = self._retried = True
            return
        version, number = hello.chosen_version, hello.suites[0]
        self.info.version = handshake.VERSIONS.get(version, f"0x{version:04x}")
        self.info.cipher_suite = suites.name(number)
        self._server_random, self._session_id = hello.random, hello.session_id
        self._encrypt_then_mac = handshake.ENCRYPT_THEN_MAC in hello.extensions
        self._version = version
        self._suite = suites.lookup(version, number)
        if version == _TLS13:
            self.info.resumed = handshake.PRE_SHARED_KEY in hello.extensions
        else:
            self.info.alpn = hello.alpn
        if self._suite is None or hello.compression:
            what = "compression" if self._suite else self.info.cipher_suite
            self._unsupported = f"{self.info.version} with {what} is not supported"
        elif version == _TLS13:
            self._begin_tls13()

    # --- TLS 1.3 ------------------------------------------------------------------------------------

    def _begin_tls13(self) -> None:
        client, server = self._sides
        self._install(server, "SERVER_HANDSHAKE_TRAFFIC_SECRET")
        if self._early_offered:
            client.waiting = True  # which keys come first depends on the EncryptedExtensions
        else:
            self._install(client, "CLIENT_HANDSHAKE_TRAFFIC_SECRET")

    def _encrypted_extensions(self, found: dict[int, bytes]) -> None:
        """ALPN's choice, and whether early data were accepted (RFC 8446 sections 4.2.10, 4.3.1)."""
        self.info.alpn = handshake.alpn(found.get(handshake.ALPN, b""))
        client = self._sides[Side.CLIENT]
        if not self._early_offered or client.wanted:
            return
        accepted = handshake.EARLY_DATA in found
        if accepted and self._keys.secret(_EARLY, self.info.client_random):
            self._install(client, _EARLY)
            return
        if accepted:
            self.reasons.append(
                Reason(client.side, f"early data: the key log has no {_EARLY}", client.reached)
            )
        self._install(client, "CLIENT_HANDSHAKE_TRAFFIC_SECRET")
        client.skipping = True

    def _install(self, direction: _Direction, label: str) -> None:
        """Take the keys of a label into use, now or (``wanted``) when the key log has them."""
        if self._suite is None:
            return
        secret = self._keys.secret(label, self.info.client_random)
        direction.wanted = label
        direction.cipher = None
        if secret is not None:
            direction.waiting = False
            direction.secret = secret
            direction.cipher = Aead13(self._suite, secret)

    def _finished(self, direction: _Direction) -> None:
        if direction.done and self._version == _TLS13:
            return  # of an authentication after the handshake: keys stay (RFC 8446 section 4.6.2)
        direction.done = True
        self.info.handshake_complete = all(each.done for each in self._sides)
        if self._version == _TLS13:
            label = ("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0")[direction.side]
            self._install(direction, label)

    # --- TLS 1.2 ------------------------------------------------------------------------------------

    def _change_tls12(self, direction: _Direction) -> bool:
        if direction.side == Side.SERVER:
            self.info.resumed = not self._certificate_seen
        if self._tls12 is None and self._suite is not None:
            random = self.info.client_random
            masters = self._keys.master_secrets(random, self._session_id)
            if not masters:
                return self._wait(direction)
            master = masters[0]
            self._keys.learn_session(self._session_id, master)
            self._tls12 = connection_ciphers(
                self._version,
                self._suite,
                master,
                (random, self._server_random),
                encrypt_then_mac=self._encrypt_then_mac,
            )
        if self._tls12 is not None:
            direction.waiting = False
            direction.cipher = self._tls12[direction.side]
        return True
