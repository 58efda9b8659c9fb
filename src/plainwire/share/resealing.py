"""A TLS session under other secrets: its records are opened, get another text, and are sealed again.

The secrets are made up for one bundle: what a client random, or a traffic secret, stands for follows from a
key that nobody keeps. Hellos stay as they were, so that a key log with the new secrets opens all that the old
one opened, at the same place, and nothing else. What could not be opened stays sealed as it was.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from plainwire.model import Gap, Side
from plainwire.tls import drafts, sealing
from plainwire.tls.handshake_messages import TLS13
from plainwire.tls.keylog import MASTER_SECRET, TLS13_LABELS
from plainwire.tls.record_layer import HEADER_SIZE
from plainwire.tls.session import TlsSession, WitnessedRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Text, TlsInfo
    from plainwire.share.wire_text import WireText
    from plainwire.tls.keylog import KeyLog
    from plainwire.tls.negotiation import Negotiation
    from plainwire.tls.sealing import Sealer

_MASTER_SIZE = 48


class MadeUpSecrets:
    """The secrets of one bundle, and the key log lines that give them. ``keys`` opens the original."""

    def __init__(self, keys: KeyLog, key: bytes) -> None:
        self.keys = keys
        self._key = key
        self.lines: dict[bytes, None] = {}

    def __repr__(self) -> str:
        return f"<MadeUpSecrets, {len(self.lines)} lines>"

    def master(self, negotiation: Negotiation) -> bytes:
        """The master secret of a handshake up to TLS 1.2."""
        made = self._made(b"master" + negotiation.client_random, _MASTER_SIZE)
        self._note(MASTER_SECRET, negotiation.client_random, made)
        return made

    def traffic(self, negotiation: Negotiation, secret: bytes) -> bytes | None:
        """What stands for a traffic secret of TLS 1.3 that the key log has; None for one that follows it."""
        for label in sorted(TLS13_LABELS):
            if secret in self.keys.secrets(label, negotiation.client_random):
                made = self._made(label.encode() + negotiation.client_random, len(secret))
                self._note(label, negotiation.client_random, made)
                return made
        return None

    def _made(self, purpose: bytes, size: int) -> bytes:
        return hmac.digest(self._key, purpose, "sha512")[:size]

    def _note(self, label: str, client_random: bytes, secret: bytes) -> None:
        self.lines[f"{label} {client_random.hex()} {secret.hex()}".encode()] = None


class ResealedTls:
    """One session. ``plain`` is what it carries, to be rewritten; ``seal`` puts that back."""

    def __init__(self, outer: tuple[WireText, WireText], secrets: MadeUpSecrets) -> None:
        self._outer = outer
        self._secrets = secrets
        self._records: list[WitnessedRecord] = []
        self._session = TlsSession(secrets.keys, self._records.append)
        self._places: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.plain: tuple[list[Text | Gap], list[Text | Gap]] = ([], [])
        """At offsets of its own, from 0; a hole counts one byte."""
        self.starts: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        """By side: offsets in ``plain``, and those of the records that carried it."""
        for wire in outer:
            for piece in wire.pieces:
                if isinstance(piece, Gap):
                    self._session.gap(piece)
                else:
                    self._session.feed(wire.side, piece[1], piece[0])
        self._session.advance()
        self._session.close()
        for side in Side:
            self._lay_out(side)

    @property
    def info(self) -> TlsInfo:
        """What the session agreed on."""
        return self._session.info

    def _lay_out(self, side: Side) -> None:
        at = 0
        for piece in self._session.plain(side):
            if isinstance(piece, Gap):
                self.plain[side].append(Gap(side, at, 1, piece.packet))
                at += 1
                continue
            text, start, _ = piece
            self._places[side][start] = at
            self.starts[side].append((at, start))
            self.plain[side].append((text, at, at + len(text)))
            at += len(text)

    def seal(self, inner: tuple[WireText, WireText]) -> None:
        """Put all records into the outer streams, those that were opened with what ``inner`` has made.

        Raises:
            UnsealableError: nothing here seals such records.

        """
        for wire in self._outer:
            wire.keep(0, len(wire.data))
        sealers = _Sealers(self._secrets)
        for record in self._records:
            wire = self._outer[record.side]
            before = wire.data[record.start + HEADER_SIZE : record.end]
            version = wire.data[record.start + 1 : record.start + 3]
            text = self._text(record, inner[record.side])
            body = sealers.of(record).seal(record.kind, version, record.number, text, before)
            if len(body) != len(before):
                message = f"records of {record.negotiation.suite and record.negotiation.suite.name}"
                raise sealing.UnsealableError(message)
            wire.put(record.start + HEADER_SIZE, body)

    def opened(self, inner: WireText, base: int) -> Iterator[tuple[int, int, bytes]]:
        """One side's records with text in them: where each stands (from ``base`` on), and its text now."""
        for record in self._records:
            at = self._places[inner.side].get(record.start) if record.side == inner.side else None
            if at is not None:
                yield base + record.start, base + record.end, self._text(record, inner)[: self._size(record)]

    @staticmethod
    def _size(record: WitnessedRecord) -> int:
        """Bytes of contents: in TLS 1.3 without type and padding (RFC 8446 section 5.2)."""
        tls13 = record.negotiation.version == TLS13
        return len(record.text.rstrip(b"\0")) - 1 if tls13 else len(record.text)

    def _text(self, record: WitnessedRecord, inner: WireText) -> bytes:
        """What is to stand in a record: other contents, and the same type and padding behind them."""
        at = self._places[record.side].get(record.start)
        if at is None:
            return record.text
        size = self._size(record)
        return bytes(inner.made[at : at + size]) + record.text[size:]


class _Sealers:
    """What seals each record of one session, in the order in which they were opened."""

    def __init__(self, secrets: MadeUpSecrets) -> None:
        self._secrets = secrets
        self._pairs: dict[int, tuple[Sealer, Sealer]] = {}  # by negotiation, up to TLS 1.2
        self._now: list[tuple[bytes, bytes]] = [(b"", b""), (b"", b"")]  # old and new traffic secret, by side
        self._of_secret: dict[bytes, Sealer] = {}

    def of(self, record: WitnessedRecord) -> Sealer:
        negotiation = record.negotiation
        if negotiation.version != TLS13:
            if not negotiation.server_random:  # opened with keys out of memory: there is no handshake
                message = "records of a session whose handshake was not captured"
                raise sealing.UnsealableError(message)
            if id(negotiation) not in self._pairs:
                master = self._secrets.master(negotiation)
                self._pairs[id(negotiation)] = sealing.of_master_secret(negotiation, master)
            return self._pairs[id(negotiation)][record.side]
        old, new = self._now[record.side]
        if old != record.secret:
            made = self._secrets.traffic(negotiation, record.secret)
            if made is None:  # after a KeyUpdate
                assert negotiation.suite is not None  # noqa: S101 - else nothing was opened
                made = drafts.updated(negotiation.suite, new, negotiation.draft)
            self._now[record.side] = record.secret, made
            self._of_secret[made] = sealing.of_secret(negotiation, made)
        return self._of_secret[self._now[record.side][1]]
