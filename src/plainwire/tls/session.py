"""One TLS connection: takes the bytes of both directions, gives plain text, alerts and reasons.

Theory of operation. Each direction (``records.Direction``) is a queue of records, and a state:

    clear -> (TLS 1.3: handshake keys ->) application keys -> (renegotiation: others ->) ...
    from anywhere -> lost, behind a hole -> back, where a record opens again (``resync``)
    from anywhere -> dead, with a reason

A direction *steps*: it takes records until it needs something it does not have. That is either the other
direction's hello (the client's second flight cannot be read before the ServerHello is) or a secret that is
not in the key log yet. ``advance`` lets both directions step until neither moves. Records that came before
their key wait, up to ``MOST_WAITING`` bytes a direction. What the hellos agree on is a ``Negotiation``; each
direction points at the one it is in.

RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 6101 (SSL 3.0). A decrypted byte run keeps the offsets, in the TCP
stream, of the record that carried it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plainwire.model import Gap, Side, TlsInfo
from plainwire.tls import handshake_messages
from plainwire.tls.handshake_messages import TLS13
from plainwire.tls.handshaking import Handshaking
from plainwire.tls.reasons import NO_HANDSHAKE, NO_SECRET, Reason
from plainwire.tls.record_layer import (
    ALERT,
    APPLICATION,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER_SIZE,
    HEARTBEAT,
    SSLV2_HELLO,
)
from plainwire.tls.resync import Lost
from plainwire.tls.resynchronizer import Resynchronizer
from plainwire.tls.session_state import SessionState
from plainwire.tls.tls13_keys import Tls13Keys
from plainwire.tls.trial_keys import TrialKeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.model import Text
    from plainwire.tls.keylog import KeyLog
    from plainwire.tls.negotiation import Negotiation
    from plainwire.tls.session_state import Later
    from plainwire.tls.tls_direction import TlsDirection

MOST_WAITING = 1 << 20
"""Bytes of records that one direction holds for a secret or hello to come."""

_NO_RENEGOTIATION = 100
_MOST_AHEAD = 9
"""Records that a sender may have counted and not sent, and one more (chosen)."""


class TlsAlert(NamedTuple):
    """An alert (RFC 8446 section 6) and the record that carried it."""

    side: Side
    description: int
    fatal: bool
    start: int
    end: int


class Reuse(NamedTuple):
    """A record at offset ``start`` with the sequence number of the one at ``first``: see ``numbering``."""

    side: Side
    number: int
    first: int
    start: int
    copied: bool


class WitnessedRecord(NamedTuple):
    """A decrypted record, for a witness: all that is needed to encrypt it again.

    ``text`` is its plain text, in TLS 1.3 with content type and padding; ``secret`` is TLS 1.3's.
    ``number`` is the record's, ``start`` and ``end`` are offsets in the TCP stream.
    """

    side: Side
    start: int
    end: int
    kind: int
    number: int
    text: bytes
    secret: bytes
    negotiation: Negotiation

    def __repr__(self) -> str:
        return f"<record {self.number} of the {self.side.name.lower()}>"


class TlsSession:
    """See the module's essay. ``plain``, ``alerts``, ``reuses``, ``later`` and ``reasons`` are outboxes.

    ``witness`` is called with each decrypted record, in the order of decryption. ``state``: to go on from.
    """

    def __init__(
        self,
        keys: KeyLog,
        witness: Callable[[WitnessedRecord], None] | None = None,
        *,
        state: SessionState | None = None,
    ) -> None:
        self._witness = witness
        self._state = state = state or SessionState(keys)
        self._keys = state.keys
        self._sides = state.sides
        self._tls13 = tls13 = Tls13Keys(state)
        self._handshaking = Handshaking(state, tls13)
        self._trial = TrialKeys(state, tls13)
        self._losses = Resynchronizer(state, tls13, self._trial)
        for direction in self._sides:
            direction.witnessed = witness is not None
        self.info: TlsInfo = state.info
        self.reasons: list[Reason] = state.reasons
        self.later: list[Later] = state.later
        self.alerts: list[TlsAlert] = []
        self.reuses: list[Reuse] = []

    @property
    def finished(self) -> tuple[int, int] | None:
        """The offsets of the records with both sides' Finished, once both have been seen."""
        client, server = self._state.finished
        return None if client < 0 or server < 0 else (client, server)

    @property
    def joined(self) -> bool:
        """Whether it is seen from its middle on."""
        return self._trial.joined

    # --- the door ------------------------------------------------------------------------------------

    def plain(self, side: Side) -> list[Text | Gap]:
        """Take the plain text since the last call; a Gap marks missing bytes."""
        direction = self._sides[side]
        taken, direction.plain = direction.plain, []
        return taken

    def feed(self, side: Side, offset: int, data: bytes) -> None:
        """Take bytes of one direction, in order; ``offset`` is the first one's offset in the TCP stream."""
        if not self._sides[side].dead:
            self._sides[side].feed(offset, data)

    def gap(self, gap: Gap) -> None:
        """Bytes are missing: after them, only what authenticates is read."""
        if not self._sides[gap.side].dead:
            self._sides[gap.side].gap(gap)

    def advance(self) -> None:
        """Decrypt what can be decrypted."""
        self._step_all()
        for direction in self._sides:
            if direction.blocked and len(direction.buffer) + direction.held > MOST_WAITING:
                if self._trial.found():
                    self._step_all()
                if direction.blocked:
                    self._tls13.give_up(direction, self._why_waiting(direction))

    def go_on(self) -> None:
        """Decrypt behind a handshake that was read elsewhere; the server first, as the client waits."""
        server = self._sides[Side.SERVER]
        if server.buffer:
            self._step(server)
        self.advance()

    def close(self) -> None:
        """No more bytes will come: whatever still waits for a secret or hello is given up."""
        self._step_all()
        self._state.closing = True
        self._step_all()
        if self._trial.found():
            self._step_all()
        for direction in self._sides:
            if direction.blocked and direction.buffer:
                self._tls13.give_up(direction, self._why_waiting(direction))
            elif direction.lost is not None:
                self._tls13.give_up(direction, direction.lost.why)

    def _step_all(self) -> None:
        client, server = self._sides
        moved = True
        while moved:
            moved = self._step(client) if client.inbox or client.buffer or client.messages else False
            if server.inbox or server.buffer or server.messages:
                moved = self._step(server) or moved

    def _step(self, direction: TlsDirection) -> bool:
        if not direction.messages:
            return direction.step(self, self._losses)
        before = len(direction.messages)
        if not direction.dead:
            self._handshaking.messages(direction)
        moved = len(direction.messages) != before
        return direction.step(self, self._losses) or moved

    def _why_waiting(self, direction: TlsDirection) -> str:
        negotiation = direction.negotiation
        if not negotiation.client_random or not negotiation.version:
            return NO_HANDSHAKE
        if direction.wanted and self._keys.has(negotiation.client_random):
            return f"the key log has no {direction.wanted} for this client random"
        return NO_SECRET

    def record(
        self, direction: TlsDirection, kind: int, version: bytes, body: memoryview, start: int
    ) -> bool:
        """See ``Taker``."""
        if direction.messages and not self._handshaking.messages(direction):
            return False
        if kind == APPLICATION and direction.cipher is not None:
            return self._sealed(direction, kind, version, body, start)  # most records
        if kind == CHANGE_CIPHER_SPEC:
            return self._handshaking.change_cipher_spec(direction)
        plain_alert = kind == ALERT and len(body) == 2
        if plain_alert and (direction.cipher is None or direction.negotiation.version == TLS13):
            self._alert(direction, bytes(body), start, start + 7)  # sent before its sender had keys
            return True
        if direction.cipher is None and not self._has_key(direction, kind, version, body):
            return self._clear(direction, kind, bytes(body))
        return self._sealed(direction, kind, version, body, start)

    def _has_key(self, direction: TlsDirection, kind: int, version: bytes, body: memoryview) -> bool:
        """Whether there is now a key for the records that wait for it, or for the first of all."""
        if direction.wanted and kind == APPLICATION:
            self._tls13.install(direction, direction.wanted)
        elif direction.record == 0 and kind == APPLICATION:
            self._trial.join(direction, version, bytes(body))
        return direction.cipher is not None

    def _clear(self, direction: TlsDirection, kind: int, body: bytes) -> bool:
        """Take a record without a cipher; False if it must wait for one."""
        if kind == HANDSHAKE:
            self._handshaking.clear(direction, body)
        elif kind == SSLV2_HELLO:
            self._handshaking.client_hello(direction, handshake_messages.parse_sslv2_hello(body), body)
        elif kind == HEARTBEAT:
            return True
        elif direction.negotiation.unsupported:
            self._tls13.give_up(direction, direction.negotiation.unsupported)
        elif direction.record == 0:
            self._tls13.give_up(direction, NO_HANDSHAKE)  # it begins in the middle
        else:
            return direction.negotiation.retry and direction.side == Side.CLIENT  # early data, refused
        return True

    def _sealed(
        self, direction: TlsDirection, kind: int, version: bytes, body: memoryview, start: int
    ) -> bool:
        """Take an encrypted record."""
        text = direction.cipher.open(kind, version, body) if direction.cipher is not None else None
        if text is None:
            text = self._by_another_secret(direction, kind, version, body)
        if text is None:
            if self._numbered_again(direction, kind, version, body, start):
                return True
            text = self._numbered_ahead(direction, kind, version, body)
        if text is None:
            self._unopened(direction, start)
            return True
        if direction.cipher is not None:
            direction.numbers.note(direction.cipher, start, body)
            if self._witness is not None:
                self._bear_witness(direction, kind, direction.cipher.sequence - 1, text, start, len(body))
        self._opened(direction, kind, text, start, start + 5 + len(body))
        return True

    def _numbered_again(
        self, direction: TlsDirection, kind: int, version: bytes, body: memoryview, start: int
    ) -> bool:
        """Whether the record has a number that was used before: then it is noted, and read as any other.

        The number that is expected next stays as it was: the first sender counts on from there.
        """
        cipher = direction.cipher
        if cipher is None or direction.skipping or not direction.negotiation.seekable:
            return False
        again = direction.numbers.find(cipher, kind, version, body, slow=direction.negotiation.is_slow)
        if again is None:
            return False
        earlier, copied = again.earlier, again.copied
        self.reuses.append(Reuse(direction.side, earlier.number, earlier.start, start, copied=copied))
        if not copied:
            self._bear_witness(direction, kind, earlier.number, again.text, start, len(body))
            self._opened(direction, kind, again.text, start, start + 5 + len(body), again=True)
        return True

    def _numbered_ahead(
        self, direction: TlsDirection, kind: int, version: bytes, body: memoryview
    ) -> bytes | None:
        """The text of a record whose sender counted others before it that it never sent.

        Go's crypto/tls counts a record before it writes it: one that a write deadline kept back is missing in
        the count of the receiver, which cannot authenticate what comes behind it (RFC 8446 section 5.3).
        """
        cipher = direction.cipher
        if cipher is None or direction.skipping or not (direction.trusted and direction.negotiation.seekable):
            return None
        expected = cipher.sequence
        for ahead in range(1, 2 if direction.negotiation.is_slow else _MOST_AHEAD):
            cipher.sequence = expected + ahead
            text = cipher.open(kind, version, body)
            if text is not None:
                self._state.info.numbers_skipped[direction.side] += ahead
                return text
        cipher.sequence = expected
        return None

    def _bear_witness(
        self, direction: TlsDirection, kind: int, number: int, text: bytes, start: int, size: int
    ) -> None:
        if self._witness is None:
            return
        end = start + HEADER_SIZE + size
        side, secret = direction.side, direction.secret
        self._witness(WitnessedRecord(side, start, end, kind, number, text, secret, direction.negotiation))

    def _opened(
        self, direction: TlsDirection, kind: int, text: bytes, start: int, end: int, *, again: bool = False
    ) -> None:
        """``again``: of a second sender, whose handshake messages change nothing for the first."""
        direction.skipping, direction.trusted = False, True
        negotiation = direction.negotiation
        if negotiation.version == TLS13:  # content, type, zeros (RFC 8446 section 5.2)
            direction.others = []
            stripped = text.rstrip(b"\0")
            kind, text = (stripped[-1], stripped[:-1]) if stripped else (0, b"")
        elif not negotiation.authenticated and negotiation.is_cipher(direction.cipher):
            negotiation.settle(self._keys)
        if kind == APPLICATION:
            if text:
                direction.plain.append((text, start, end))
        elif kind == ALERT:
            self._alert(direction, text, start, end)
        elif kind == HANDSHAKE and not again:
            self._handshaking.add(direction, text)

    def _by_another_secret(
        self, direction: TlsDirection, kind: int, version: bytes, body: memoryview
    ) -> bytes | None:
        """The key log may have several secrets: the first record decides which is right."""
        negotiation = direction.negotiation
        if negotiation.version == TLS13:
            return self._by_another_of_tls13(direction, kind, version, body)
        former = negotiation.pair
        if negotiation.authenticated or former is None or direction.cipher is not former[direction.side]:
            return None
        for master, pair in negotiation.alternatives(self._keys):
            text = pair[direction.side].open(kind, version, body)
            if text is not None:
                negotiation.master, negotiation.pair = master, pair
                for each in self._sides:
                    if each.cipher is former[each.side]:
                        each.cipher = pair[each.side]
                return text
        return None

    def _by_another_of_tls13(
        self, direction: TlsDirection, kind: int, version: bytes, body: memoryview
    ) -> bytes | None:
        for secret in direction.others:
            cipher = self._tls13.cipher(direction.negotiation, secret)
            text = cipher.open(kind, version, body)
            if text is not None:
                direction.secret, direction.cipher = secret, cipher
                return text
        return None

    def _unopened(self, direction: TlsDirection, start: int) -> None:
        if direction.skipping:  # early data that nobody can read (RFC 8446 section 4.2.10)
            return
        why = f"wrong secret (MAC failed at record {direction.record + 1})"
        if direction.negotiation.seekable and (direction.trusted or direction.negotiation.authenticated):
            damage = f"record {direction.record + 1} is damaged (MAC failed)"
            direction.lost = Lost(start, 0, why, damage=damage, slow=direction.negotiation.is_slow)
        else:
            self._tls13.give_up(direction, why)

    def _alert(self, direction: TlsDirection, text: bytes, start: int, end: int) -> None:
        if len(text) >= 2 and text[1] == _NO_RENEGOTIATION and direction.side == Side.CLIENT:
            self._state.note_later(direction, "no_renegotiation")
        if len(text) >= 2:
            self.alerts.append(TlsAlert(direction.side, text[1], text[0] == 2, start, end))
