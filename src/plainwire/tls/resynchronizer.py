"""What happens where records do not follow each other: gaps, damage, bytes that are not TLS."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from plainwire.model import Gap, Side
from plainwire.tls import drafts, handshake_messages, resync
from plainwire.tls.handshake_messages import TLS13
from plainwire.tls.reasons import NO_HANDSHAKE, Reason
from plainwire.tls.resync import Lost, NotJoined, Try
from plainwire.tls.tls13_keys import APPLICATION_SECRETS, HANDSHAKE_SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.tls.resync import FoundRecord
    from plainwire.tls.session_state import SessionState
    from plainwire.tls.tls13_keys import Tls13Keys
    from plainwire.tls.tls_direction import TlsDirection
    from plainwire.tls.trial_keys import TrialKeys

_SSLV2_SERVER_HELLO = 4


class Resynchronizer:
    """Finds the record at which a direction continues, or says why none does (``tls_direction.Losses``)."""

    def __init__(self, state: SessionState, tls13: Tls13Keys, trial: TrialKeys) -> None:
        self._trial = trial
        self._state = state
        self._keys = state.keys
        self._first = state.first
        self._tls13 = tls13

    def _lost(
        self, direction: TlsDirection, since: int, why: str, *, packet: int = 0, damage: str = ""
    ) -> Lost:
        return Lost(since, packet, why, damage=damage, slow=direction.negotiation.is_slow)

    def strange(self, direction: TlsDirection, buffer: bytes, at: int) -> None:
        """See ``Losses``."""
        first = direction.record == 0
        if first and buffer.startswith(b"HTTP/"):
            self._tls13.give_up(direction, "the server answers in clear text where TLS was asked for")
        elif (
            first and direction.side == Side.SERVER and buffer[0] & 0x80 and buffer[2] == _SSLV2_SERVER_HELLO
        ):
            self._tls13.give_up(direction, f"unsupported version {handshake_messages.VERSIONS[0x0200]}")
        elif first and (self._trial.joined or not self._first.client_random):
            join = functools.partial(self._trial.join, direction)
            direction.lost = NotJoined(direction.base + at, NO_HANDSHAKE, join)
        elif first:
            self._tls13.give_up(direction, NO_HANDSHAKE)
        else:
            why = f"no TLS record where record {direction.record + 1} should begin"
            if direction.negotiation.seekable and direction.trusted:
                direction.lost = self._lost(direction, direction.base + at, why, damage=why)
            else:
                self._tls13.give_up(direction, why)

    def missing(self, direction: TlsDirection, gap: Gap) -> None:
        """See ``Losses``."""
        negotiation = direction.negotiation
        if not negotiation.client_random or (direction.side == Side.SERVER and not negotiation.version):
            self._tls13.give_up(direction, NO_HANDSHAKE)
            return
        if direction.lost is None:
            why = f"gap at record {direction.record + 1}"
            direction.lost = self._lost(direction, direction.base, why, packet=gap.packet)
        direction.messages = b""
        if not negotiation.authenticated:
            negotiation.transcript = None
        if negotiation.unsupported or not (negotiation.seekable or direction.cipher is None):
            self._tls13.give_up(direction, negotiation.unsupported or direction.lost.why)
        else:
            self._tls13.early_data_unknown(direction)

    def find(self, direction: TlsDirection) -> bool:
        """See ``Losses``."""
        lost, negotiation = direction.lost, direction.negotiation
        assert lost is not None  # noqa: S101 - for the type checker
        from_the_middle = isinstance(lost, NotJoined)
        if not lost.ciphers and not from_the_middle:
            lost.ciphers = list(self._behind_a_hole(direction))
        direction.blocked = not lost.ciphers and not from_the_middle
        if direction.blocked:
            return False
        tls13 = from_the_middle or negotiation.version == TLS13
        version = negotiation.version or self._first.version  # a renegotiation may not have come that far
        headers = resync.TLS13_RECORDS if tls13 else resync.records_of(version)
        found, at = lost.find(direction.buffer, direction.base, headers, any_number=negotiation.seekable)
        direction.buffer = direction.buffer[at:]
        direction.base += at
        if found is not None:
            self._back(direction, lost, found)
        elif lost.spent:
            self._tls13.give_up(direction, lost.why)
        return found is not None

    def _behind_a_hole(self, direction: TlsDirection) -> Iterator[Try]:
        """The ciphers that may have encrypted the next record."""
        negotiation, side = direction.negotiation, direction.side
        if direction.cipher is not None:
            yield Try(direction.cipher)
        if negotiation.version == TLS13:
            yield from self._behind_a_hole_of_tls13(direction)
        elif negotiation.pair is None or direction.cipher is not negotiation.pair[side]:
            for master, pair in negotiation.alternatives(self._keys):
                yield Try(pair[side], master=master, pair=pair)

    def _behind_a_hole_of_tls13(self, direction: TlsDirection) -> Iterator[Try]:
        negotiation, side = direction.negotiation, direction.side
        if negotiation.suite is None:
            return
        labels = [] if direction.done else [APPLICATION_SECRETS[side]]
        if not direction.done and direction.wanted != HANDSHAKE_SECRETS[side]:
            labels.insert(0, HANDSHAKE_SECRETS[side])
        for label in labels:
            for secret in self._keys.secrets(label, negotiation.client_random):
                yield Try(self._tls13.cipher(negotiation, secret), label=label, secret=secret)
        if direction.done and direction.secret:
            secret = drafts.updated(negotiation.suite, direction.secret, negotiation.draft)
            yield Try(self._tls13.cipher(negotiation, secret), label=direction.wanted, secret=secret)

    def _back(self, direction: TlsDirection, lost: Lost, found: FoundRecord) -> None:
        """Continue with the record that was found; the buffer begins with it."""
        tried, first = found.tried, found.tried.cipher.sequence
        tried.cipher.sequence = found.sequence
        direction.cipher = tried.cipher
        direction.record += max(found.sequence - first, 0)
        whole = found.sequence == first and not (direction.done and tried.secret)
        if tried.secret:
            direction.secret, direction.wanted, direction.others = tried.secret, tried.label, []
        if tried.pair is not None:
            direction.negotiation.master, direction.negotiation.pair = tried.master, tried.pair
        if tried.label == APPLICATION_SECRETS[direction.side] or (tried.pair is not None and found.sequence):
            self._state.done(direction)
        if not whole:
            length = direction.base - lost.since
            direction.plain.append(Gap(direction.side, lost.since, length, lost.packet))
        if lost.damage:
            self._state.reasons.append(Reason(direction.side, lost.damage, lost.since))
