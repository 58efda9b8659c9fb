"""A session of TLS 1.3 read at once, from its first bytes to the last that are there, by the compiled kernel.

Where the handshake is a plain one (native/kernel/src/tls says what that is) and complete, none of the objects
that ``session`` reads with are made, unless more comes. What comes out is the same. All else is left to
``session``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import kernel
from plainwire.model import Side
from plainwire.tls import drafts, handshake_messages, suites
from plainwire.tls.record_layer import HEADER_SIZE
from plainwire.tls.session import TlsAlert, TlsSession
from plainwire.tls.session_state import SessionState
from plainwire.tls.tls13_keys import APPLICATION_SECRETS

if TYPE_CHECKING:
    from plainwire._kernel import Tls13
    from plainwire.model import Gap, Text, TlsInfo
    from plainwire.tls.keylog import KeyLog
    from plainwire.tls.negotiation import Negotiation
    from plainwire.tls.tls_direction import TlsDirection

_SIDES = tuple(Side)
_MESSAGE_HEADER = 4
_RANDOM = slice(11, 43)
"""Where a ClientHello that begins a record has its random (RFC 8446 sections 4, 4.1.2, 5.1)."""

_read = None if kernel.compiled is None else kernel.compiled.Tls13Reader().read


class WholeSession:
    """What a ``TlsSession`` would hold by now. ``stopped``: there is more that only ``continued`` reads."""

    __slots__ = (
        "_hellos",
        "_keys",
        "_rests",
        "_secrets",
        "_starts",
        "_texts",
        "_whole",
        "alerts",
        "finished",
        "info",
        "stopped",
    )

    joined = False

    def __init__(
        self,
        keys: KeyLog,
        info: TlsInfo,
        whole: Tls13,
        sent: tuple[bytes, bytes],
        starts: tuple[int, int],
        secrets: tuple[bytes, bytes, bytes, bytes],
    ) -> None:
        self.info = info
        self.alerts = [TlsAlert(_SIDES[alert[0]], *alert[1:]) for alert in whole.alerts]
        self.finished = whole.finished
        self.stopped = whole.stopped
        self._keys = keys
        self._secrets = secrets  # there may be others by then
        self._whole = whole
        self._texts: list[list[Text | Gap]] = list(whole.texts)
        self._starts = starts
        self._hellos = _first_message(sent[0]), _first_message(sent[1])
        self._rests = sent[0][whole.taken[0] :], sent[1][whole.taken[1] :]

    def plain(self, side: Side) -> list[Text | Gap]:
        """Take the plain text."""
        texts, self._texts[side] = self._texts[side], []
        return texts

    def close(self) -> None:
        """No more bytes will come: nothing waits."""

    def continued(self) -> TlsSession:
        """The session that goes on from here; it has what was not taken."""
        state = SessionState(self._keys, self.info)
        self._negotiated(state)
        state.finished[:] = self.finished
        for direction in state.sides:
            self._set(direction, state.first)
        session = TlsSession(self._keys, state=state)
        session.alerts += self.alerts
        return session

    def _negotiated(self, state: SessionState) -> None:
        first, (asked, answered) = state.first, self._hellos
        client = handshake_messages.parse_hello(asked, client=True)
        server = handshake_messages.parse_hello(answered, client=False)
        if client is None or server is None:
            message = "the kernel read a hello that cannot be read"
            raise AssertionError(message)
        first.client_hello(client, asked)
        first.server_hello(server)
        first.full, first.certificate = self.info.chain > 0, self.info.certificate

    def _set(self, direction: TlsDirection, first: Negotiation) -> None:
        side, whole = direction.side, self._whole
        records, number, last = whole.left(side)
        if first.suite is None:
            message = "the kernel read a session of a suite that is not known"
            raise AssertionError(message)
        direction.buffer, direction.base = self._rests[side], self._starts[side] + whole.taken[side]
        direction.reached, direction.record = direction.base, records
        direction.done = direction.trusted = True
        direction.wanted, direction.secret = APPLICATION_SECRETS[side], self._secrets[2 + side]
        direction.cipher = drafts.cipher(first.suite, direction.secret, 0)
        direction.cipher.sequence = number
        direction.numbers.restore(direction.cipher, last)
        direction.plain, self._texts[side] = self._texts[side], []


def _first_message(data: bytes) -> bytes:
    """The body of the message in the first record."""
    end = HEADER_SIZE + int.from_bytes(data[3:HEADER_SIZE], "big")
    return data[HEADER_SIZE + _MESSAGE_HEADER : end]


def begun(
    keys: KeyLog, info: TlsInfo, sent: tuple[bytes, bytes], starts: tuple[int, int]
) -> WholeSession | None:
    """Read a session from the first bytes of both sides on, at these offsets of the stream.

    None where only ``TlsSession`` reads it; then nothing is changed, ``info`` neither.
    """
    client = sent[Side.CLIENT]
    if _read is None or len(client) < _RANDOM.stop:
        return None
    client_random = client[_RANDOM]
    secrets = keys.of_tls13(client_random)
    whole = None if secrets is None else _read(*sent, starts, secrets)
    if whole is None or secrets is None:
        return None
    keys.claim(client_random)
    info.client_random = client_random
    info.server_name, info.alpn_offered = whole.server_name, whole.protocols
    info.newest_offered = whole.newest
    info.status_requested, info.post_handshake_auth = whole.status_requested, whole.post_handshake_auth
    info.version, info.cipher_suite = "TLS 1.3", suites.name(whole.suite)
    info.resumed, info.alpn = whole.resumed, whole.protocol
    info.certificate, info.chain, info.stapled = whole.certificate, whole.chain, whole.stapled
    info.handshake_complete = info.flight_whole = True
    return WholeSession(keys, info, whole, sent, starts, secrets)
