"""What the layers of one connection share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from plainwire.model import (
    Afterwards,
    CloseEvent,
    Connection,
    Exchange,
    Gap,
    Reused,
    Side,
    Text,
    TlsInfo,
    Undecrypted,
)
from plainwire.tls.alerts import name as alert_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.http.http1 import Locator, Numbered
    from plainwire.http.reading import Reading
    from plainwire.model import CloseKind
    from plainwire.tls.keylog import KeyLog
    from plainwire.tls.reasons import Reason
    from plainwire.tls.session import Reuse, TlsAlert
    from plainwire.tls.session_state import Later

    Pieces = Sequence[Text | Gap]

NOTHING_NEEDED = 1 << 62
_CLOSE_NOTIFY, _USER_CANCELED, _NO_RENEGOTIATION = 0, 90, 100


class Layer(Protocol):
    """Something spoken on a pair of byte streams."""

    def feed(self, client: Pieces, server: Pieces) -> None:
        """Take what both sides sent since the last call."""

    def needed(self) -> tuple[int, int]:
        """Below these offsets of the two TCP streams nothing will be looked up again."""

    def close(self) -> None:
        """Nothing more will come: deliver what is open."""


class StreamPair(Layer, Protocol):
    """A channel, as its layer knows it.

    ``exact``: text offsets are those of its bytes, not of a carrying record. ``via`` is the exchange whose
    tunnel it is the inside of.
    """

    shared: Shared
    exact: bool
    via: Exchange | None

    def inside(
        self, *, exact: bool | None = None, via: Exchange | None = None, tls: TlsInfo | None = None
    ) -> StreamPair:
        """A channel for what this one's layer carries."""

    def begin_late(self) -> None:
        """What it carries is seen from its middle on."""


class Shared:
    """The connection's facts, the secrets, and the way back to its packets; ``segments``: those of TCP."""

    __slots__ = ("_alerts", "_cancelled", "facts", "keys", "reading", "segments", "where")

    def __init__(
        self,
        facts: Connection,
        where: tuple[Locator, Locator],
        keys: KeyLog,
        reading: Reading,
        segments: tuple[Numbered, Numbered] | None = None,
    ) -> None:
        self.facts = facts
        self.where = where
        self.keys = keys
        self.reading = reading
        self.segments = segments
        self._alerts: list[CloseEvent] = []
        self._cancelled: set[Side] = set()

    def begin_tls(self, info: TlsInfo) -> None:
        """Note a TLS session: the connection's own, or one inside a tunnel or after it."""
        if self.facts.tls is None:
            self.facts.tls = info
        else:
            self.facts.inner_tls.append(info)

    def alert(self, alert: TlsAlert, info: TlsInfo) -> None:
        """Note a TLS alert as an act of closing. ``alert.start`` is an offset of the TCP stream.

        Up to TLS 1.2 an alert of level warning closes nothing (RFC 5246 section 7.2); TLS 1.3 has no such
        level for errors (RFC 8446 section 6).
        """
        if alert.description in (_USER_CANCELED, _NO_RENEGOTIATION):
            if alert.description == _USER_CANCELED:
                self._cancelled.add(alert.side)
            return
        if alert.description != _CLOSE_NOTIFY and not alert.fatal and info.version != "TLS 1.3":
            return
        kind: CloseKind = "close_notify" if alert.description == _CLOSE_NOTIFY else "alert"
        (packet,), (time_ns,) = self.where[alert.side].locate([alert.start])
        detail = alert_name(alert.description)
        if kind == "close_notify":
            detail = alert_name(_USER_CANCELED) if alert.side in self._cancelled else ""
        self._alerts.append(CloseEvent(kind, alert.side, time_ns, packet, alert.start, None, detail=detail))

    def undecrypted(self, reason: Reason) -> None:
        """Note why a direction cannot be read from an offset of the TCP stream on."""
        (packet,), _ = self.where[reason.side].locate([reason.offset])
        self.facts.undecrypted.append(Undecrypted(reason.text, reason.side, packet or None))

    def reused(self, info: TlsInfo, reuse: Reuse, start: int, first: int | None) -> None:
        """Note a record that has an earlier one's number; ``start`` and ``first``: of the TCP stream."""
        (packet,), (time_ns,) = self.where[reuse.side].locate([start])
        info.reused.append(
            Reused(reuse.side, reuse.number, first, start, packet, time_ns, copied=reuse.copied)
        )

    def afterwards(self, info: TlsInfo, later: Later) -> None:
        """Note what was said of another handshake; ``later.offset`` is one of the TCP stream."""
        (packet,), (time_ns,) = self.where[later.side].locate([later.offset])
        info.afterwards.append(Afterwards(later.kind, packet, time_ns, later.offset))

    def settle_closes(self) -> None:
        """Put the alerts among the closes: what the ends of messages are judged by."""
        closes = self.facts.closes + [self._with_segment(event) for event in self._alerts]
        self._alerts.clear()
        closes.sort(key=lambda c: (c.time_ns, c.packet, c.kind not in ("close_notify", "alert")))
        self.facts.closes = closes

    def deliver(self, exchanges: list[Exchange], via: Exchange | None, application: str | None) -> None:
        """Take the exchanges of one layer; ``via`` is the one whose tunnel they came through."""
        for exchange in exchanges:
            exchange.via = via
        self.facts.exchanges += exchanges
        self.facts.application = application or self.facts.application

    def _with_segment(self, event: CloseEvent) -> CloseEvent:
        """What the segment that carried an alert acknowledged."""
        segments = self.facts.segments
        row = None if segments is None else segments.find(event.packet)
        if row is None:
            return event
        *_, ack, _, flags, window, ttl, ip_id = row
        return CloseEvent(
            kind=event.kind,
            side=event.side,
            time_ns=event.time_ns,
            packet=event.packet,
            seq=event.seq,
            ack=None if ack < 0 else ack,
            flags=flags,
            ttl=ttl,
            ip_id=ip_id,
            window=window,
            detail=event.detail,
        )


def first_bytes(pieces: Pieces, most: int) -> bytes:
    """Up to about ``most`` bytes from the start, as far as nothing is missing."""
    if len(pieces) == 1:
        (only,) = pieces
        return b"" if isinstance(only, Gap) else only[0]
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        if isinstance(piece, Gap) or size >= most:
            break
        parts.append(piece[0])
        size += len(piece[0])
    return parts[0] if len(parts) == 1 else b"".join(parts)


def joined(pieces: Pieces) -> bytes:
    """All bytes; none where any are missing."""
    parts: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, Gap):
            return b""
        parts.append(piece[0])
    return parts[0] if len(parts) == 1 else b"".join(parts)


def behind(pieces: Pieces, size: int, *, exact: bool) -> list[Text | Gap]:
    """The pieces without their first ``size`` bytes."""
    rest = list(pieces)
    for index, piece in enumerate(rest):
        if isinstance(piece, Gap):
            return rest[index:]
        data, start, end = piece
        if size < len(data):
            return [(data[size:], start + size if exact else start, end), *rest[index + 1 :]]
        size -= len(data)
    return []


def located(where: tuple[Locator, Locator], side: Side, pieces: Pieces) -> int:
    """The packet that brought the first of the pieces; 0 where there is none."""
    for piece in pieces:
        if not isinstance(piece, Gap):
            return where[side].locate([piece[1]])[0][0]
    return 0


def without_holes_ahead(pieces: Pieces) -> Pieces:
    """The pieces from the first text on."""
    at = 0
    while at < len(pieces) and isinstance(pieces[at], Gap):
        at += 1
    return pieces[at:] if at else pieces


def lowest(pieces: Pieces) -> int:
    """Below this offset of the TCP stream nothing of the pieces will be looked up."""
    if not pieces:
        return NOTHING_NEEDED
    first = pieces[0]
    return (first.offset if isinstance(first, Gap) else first[1]) - 1
