"""Joins the rooms: capture files and key logs in, one report out.

A ``Conversation`` is one connection on its way through the rooms. It knows no other connection, so that
connections can be worked on in any order and anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.capture import reader
from plainwire.diagnose import diagnose
from plainwire.http.fields import FieldParser
from plainwire.http.pairing import Http1
from plainwire.http.recognise import NOT_HTTP
from plainwire.model import (
    CaptureDrops,
    CaptureNote,
    CloseEvent,
    Connection,
    Coverage,
    Gap,
    PacketBatch,
    Report,
    SecretsBlock,
    ServerFacts,
    Side,
    Undecrypted,
    UserError,
)
from plainwire.packets.decode import Decoder
from plainwire.streams.assemble import Assembler, TcpConnection
from plainwire.tls.alerts import name as alert_name
from plainwire.tls.keylog import KeyLog
from plainwire.tls.session import NO_SECRET, Alert, TlsSession

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.http.messages import RequestReader, ResponseReader
    from plainwire.model import CaptureItem, CloseKind, Exchange, ProgramConnection, ProgramEvents

_MOST_SOFTWARE = 8
_CLOSE_NOTIFY, _USER_CANCELED, _NO_RENEGOTIATION = 0, 90, 100
_TLS_RECORDS = range(20, 24)


class Conversation:
    """One connection: TCP below, TLS if there is any, HTTP above."""

    def __init__(self, tcp: TcpConnection, keys: KeyLog, fields: FieldParser, *, keep_bodies: bool) -> None:
        self.tcp = tcp
        self._keys = keys
        self._fields = fields
        self._keep_bodies = keep_bodies
        self._kind: str | None = None  # "tls", "clear", "other"
        self._tls: TlsSession | None = None
        self._http: Http1 | None = None
        self._alerts: list[CloseEvent] = []

    def feed(self) -> None:
        """Take what the connection has delivered since the last call."""
        client, server = self.tcp.directions
        if self._kind is None and (client.pieces or server.pieces):
            self._sniff()
        if self._kind == "tls":
            self._feed_tls()
        elif self._kind == "clear":
            self._feed_clear()
        elif self._kind == "other":
            for direction in self.tcp.directions:
                self.tcp.facts.gaps += [p for p in direction.pieces if isinstance(p, Gap)]
                direction.pieces.clear()
                direction.positions.forget(direction.next - 1)

    def _sniff(self) -> None:
        """TLS or clear HTTP, by the bytes that came first."""
        firsts = []
        for direction in self.tcp.directions:
            piece = next((p for p in direction.pieces if not isinstance(p, Gap)), None)
            if piece is not None:
                (packet,), _ = direction.positions.locate([piece[0]])
                firsts.append((packet, piece[1]))
        if not firsts:
            return
        _, data = min(firsts)
        if data[0] in _TLS_RECORDS and (len(data) == 1 or data[1] == 3):
            self._kind, self._tls = "tls", TlsSession(self._keys)
            self._http = Http1(self._fields, exact=False, keep_bodies=self._keep_bodies)
        elif data[:1].isalpha() or data[0] in b"\r\n":  # RFC 9112 section 2.2
            self._kind = "clear"
            self._http = Http1(self._fields, exact=True, keep_bodies=self._keep_bodies)
        else:
            self._kind = "other"

    def _feed_tls(self) -> None:
        tls, http = self._tls, self._http
        if tls is None or http is None:
            return
        for direction in self.tcp.directions:
            for piece in direction.pieces:
                if isinstance(piece, Gap):
                    tls.gap(piece)
                    self.tcp.facts.gaps.append(piece)
                else:
                    tls.feed(direction.side, *piece)
            direction.pieces.clear()
        tls.advance()
        self._after_tls(tls, http)

    def _after_tls(self, tls: TlsSession, http: Http1) -> None:
        where = (self.tcp.directions[0].positions, self.tcp.directions[1].positions)
        client, server = tls.plain(Side.CLIENT), tls.plain(Side.SERVER)
        self.tcp.facts.decrypted = self.tcp.facts.decrypted or bool(client or server)
        http.feed(client, server, where)
        for alert in tls.alerts:
            self._alert(alert)
        tls.alerts.clear()
        for reason in tls.reasons:
            packet = where[reason.side].locate([reason.offset])[0][0]
            self.tcp.facts.undecrypted.append(Undecrypted(reason.text, reason.side, packet or None))
        tls.reasons.clear()
        self._forget(http)

    def _feed_clear(self) -> None:
        http = self._http
        if http is None:
            return
        where = (self.tcp.directions[0].positions, self.tcp.directions[1].positions)
        readers: tuple[RequestReader | ResponseReader, ...] = (http.requests, http.responses)
        for direction, messages in zip(self.tcp.directions, readers, strict=True):
            for piece in direction.pieces:
                if isinstance(piece, Gap):
                    messages.gap(piece.offset, piece.length)
                    self.tcp.facts.gaps.append(piece)
                else:
                    messages.feed([(piece[1], piece[0], piece[0] + len(piece[1]))])
            direction.pieces.clear()
        http.feed((), (), where)
        self._forget(http)

    def _forget(self, http: Http1) -> None:
        for direction, offset in zip(self.tcp.directions, http.looked_up_to(), strict=True):
            direction.positions.forget(offset)

    def _alert(self, alert: Alert) -> None:
        if alert.description in (_USER_CANCELED, _NO_RENEGOTIATION):
            return
        kind: CloseKind = "close_notify" if alert.description == _CLOSE_NOTIFY else "alert"
        (packet,), (time_ns,) = self.tcp.directions[alert.side].positions.locate([alert.start])
        detail = "" if kind == "close_notify" else alert_name(alert.description)
        self._alerts.append(CloseEvent(kind, alert.side, time_ns, packet, alert.start, None, detail=detail))

    def finish(self) -> Connection:
        """The connection is over: complete its facts and its exchanges."""
        facts = self.tcp.finish()
        self.feed()
        if self._tls is not None and self._http is not None:
            self._tls.close()
            self._after_tls(self._tls, self._http)
            facts.tls = self._tls.info
            facts.decrypted = facts.decrypted or self._tls.info.handshake_complete
        facts.closes = sorted(
            facts.closes + [self._with_segment(event) for event in self._alerts],
            key=lambda c: (c.time_ns, c.packet, c.kind not in ("close_notify", "alert")),
        )
        if self._http is not None:
            where = (self.tcp.directions[0].positions, self.tcp.directions[1].positions)
            facts.exchanges = self._http.close(facts, where)
            self._name_application(facts, self._http)
        return facts

    def _name_application(self, facts: Connection, http: Http1) -> None:
        if facts.exchanges:
            facts.application = "http/1.1"
        elif http.requests.foreign != NOT_HTTP:
            facts.application = http.requests.foreign

    def _with_segment(self, event: CloseEvent) -> CloseEvent:
        """What the segment that carried an alert acknowledged."""
        segments = self.tcp.facts.segments
        rows = [] if segments is None else (segments.number == event.packet).nonzero()[0].tolist()
        if segments is None or not rows:
            return event
        row = rows[0]
        ack = int(segments.ack[row])
        return CloseEvent(
            kind=event.kind,
            side=event.side,
            time_ns=event.time_ns,
            packet=event.packet,
            seq=event.seq,
            ack=None if ack < 0 else ack,
            flags=int(segments.flags[row]),
            ttl=int(segments.ttl[row]),
            ip_id=int(segments.ip_id[row]),
            window=int(segments.window[row]),
            detail=event.detail,
        )


class Analysis:
    """Feeds on what a capture holds, piece by piece; ``close`` gives the report."""

    def __init__(
        self,
        keys: KeyLog | None = None,
        *,
        events: ProgramEvents | None = None,
        program_only: bool = False,
        keep_bodies: bool = False,
    ) -> None:
        self.coverage = Coverage()
        self._keys = keys or KeyLog()
        self._events = events
        self._program_only = program_only and events is not None
        self._keep_bodies = keep_bodies
        self._decoder = Decoder()
        self._assembler = Assembler()
        self._fields = FieldParser()
        self._open: dict[int, Conversation] = {}
        self._done: list[Connection] = []

    def feed(self, item: CaptureItem) -> None:
        """Take one thing that a capture holds."""
        if isinstance(item, PacketBatch):
            self._packets(item)
        elif isinstance(item, SecretsBlock):
            self._keys.add(item.data)
        elif isinstance(item, CaptureDrops):
            self.coverage.packets_dropped = (self.coverage.packets_dropped or 0) + item.count
        elif isinstance(item, CaptureNote):
            self.coverage.notes.append(item.text)

    def _packets(self, batch: PacketBatch) -> None:
        self.coverage.packets += len(batch.number)
        touched, over = self._assembler.feed(self._decoder.decode(batch))
        for tcp in touched:
            conversation = self._open.get(tcp.facts.id)
            if conversation is None:
                conversation = Conversation(tcp, self._keys, self._fields, keep_bodies=self._keep_bodies)
                self._open[tcp.facts.id] = conversation
            conversation.feed()
        for tcp in over:
            self._finish(tcp)

    def _finish(self, tcp: TcpConnection) -> None:
        self._done.append(self._open.pop(tcp.facts.id).finish())

    def close(self) -> Report:
        """The capture is over."""
        for tcp in self._assembler.close():
            self._finish(tcp)
        connections = sorted(self._done, key=lambda c: c.id)
        if self._events is not None:
            connections = self._attribute(connections, self._events)
        exchanges = _number(connections)
        self._cover(connections)
        return Report(self.coverage, connections, exchanges, _servers(connections), diagnose(connections))

    def _attribute(self, connections: list[Connection], events: ProgramEvents) -> list[Connection]:
        """Tell which process a connection belongs to; leave out those of others where asked to.

        Where the program could not be watched none of its connections is known as its own: all stay.
        """
        self.coverage.notes += events.notes
        for connection in connections:
            connection.program = _owner(connection, events)
        watched = bool(events.by_client_random or events.by_sockets or not events.notes)
        if not self._program_only or not watched:
            return connections
        own = [c for c in connections if c.program is not None]
        self.coverage.other_connections = len(connections) - len(own)
        for index, connection in enumerate(own, 1):
            connection.id = index
            for exchange in connection.exchanges:
                exchange.connection = index
        return own

    def _cover(self, connections: list[Connection]) -> None:
        coverage = self.coverage
        coverage.connections = len(connections)
        coverage.decrypted = sum(1 for c in connections if c.tls is not None and c.decrypted)
        coverage.mid_stream = [c.id for c in connections if c.mid_stream]
        for connection in connections:
            reason = self._why_unseen(connection)
            if reason is not None:
                coverage.undecrypted.append((connection.id, reason))
        coverage.notes += [
            f"{n} packets not decoded: {why}" for why, n in self._decoder.passed_over.items() if n
        ]
        if self._keys.bad_lines:
            coverage.notes.append(f"{self._keys.bad_lines} lines of the key log are not of its format")

    def _why_unseen(self, connection: Connection) -> str | None:
        if connection.undecrypted:
            first = connection.undecrypted[0]
            reached = self._events is not None and _random(connection) in self._events.by_client_random
            if self._events is not None and not reached and first.reason == NO_SECRET:
                return "no secrets, the program's TLS library was not reached"
            return first.reason
        if connection.tls is not None and connection.application not in (None, "http/1.1"):
            return f"{connection.application} is not decoded"
        return None


def _random(connection: Connection) -> bytes:
    return connection.tls.client_random if connection.tls is not None else b""


def _owner(connection: Connection, events: ProgramEvents) -> ProgramConnection | None:
    """By client random, else by the sockets of the latest connect before the connection's end."""
    found = events.by_client_random.get(_random(connection))
    if found is not None:
        return found
    ends = str(connection.client), str(connection.server)
    # A program that is the server names its own end first.
    calls = [*events.by_sockets.get(ends, ()), *events.by_sockets.get(ends[::-1], ())]
    calls = [call for call in calls if call[0] <= connection.last_ns + 1_000_000_000]
    return min(calls, key=lambda call: abs(call[0] - connection.opened_ns))[1] if calls else None


def _number(connections: list[Connection]) -> list[Exchange]:
    """All exchanges in order of their first packet, with ids from 1."""
    exchanges = [e for c in connections for e in c.exchanges]
    exchanges.sort(key=lambda e: e.request.packet if e.request else e.response.packet if e.response else 0)
    for index, exchange in enumerate(exchanges, 1):
        exchange.id = index
    return exchanges


def _servers(connections: Iterable[Connection]) -> list[ServerFacts]:
    servers: dict[str, ServerFacts] = {}
    for connection in connections:
        answers = [e.response for e in connection.exchanges if e.response is not None]
        if not answers:
            continue
        facts = servers.setdefault(str(connection.server), ServerFacts(connection.server))
        facts.announces_close = bool(facts.announces_close) or any(r.close_announced for r in answers)
        for name, value in answers[0].headers:
            known = facts.software
            if name.lower() == "server" and value not in known and len(known) < _MOST_SOFTWARE:
                known.append(value)
    return list(servers.values())


def read_keys(paths: Iterable[str | Path]) -> KeyLog:
    """Read key log files.

    Raises:
        UserError: a file cannot be read.

    """
    keys = KeyLog()
    for path in paths:
        try:
            keys.add(Path(path).read_bytes())
        except OSError as error:
            message = f"{path}: {error.strerror}"
            raise UserError(message) from error
    return keys


def analyze(
    paths: Sequence[str | Path],
    keys: Iterable[str | Path] = (),
    *,
    events: ProgramEvents | None = None,
    program_only: bool = False,
    keep_bodies: bool = False,
) -> Report:
    """Read capture files as one capture, with the secrets in them and in key log files.

    ``program_only`` leaves out the connections that ``events`` does not name.

    Raises:
        UserError: a file is missing, unreadable, or no capture file.

    """
    analysis = Analysis(read_keys(keys), events=events, program_only=program_only, keep_bodies=keep_bodies)
    for item in reader.read(paths):
        analysis.feed(item)
    return analysis.close()


def exit_code(report: Report) -> int:
    """0 nothing found, 1 findings, 3 nothing found but too little could be seen to say so."""
    if any(f.code != "capture-artifact" for f in report.findings):
        return 1
    coverage = report.coverage
    blind = coverage.undecrypted or coverage.mid_stream or coverage.packets_dropped or report.findings
    unseen = any(e.outcome == "unseen" for e in report.exchanges)
    asked = any(e.request is not None for e in report.exchanges)
    return 3 if blind or unseen or not asked else 0
