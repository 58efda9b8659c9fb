"""Joins the rooms: capture files and key logs in, one report out."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, NamedTuple

from plainwire import attribution, unseen
from plainwire.capture import reader
from plainwire.conversation import Conversation, Guarded
from plainwire.conversation.whole import whole_reading
from plainwire.diagnose import account, diagnose, infer
from plainwire.diagnose.evidence.ends import on_one_host
from plainwire.diagnose.evidence.opening import handshake_session
from plainwire.diagnose.evidence.tunnels import only_tunnels
from plainwire.http.budget import CaptureBudget
from plainwire.http.exchange_room import ROOM, SizesOfMessages, admitted
from plainwire.http.reading import Reading
from plainwire.keeping import Kept, count_alike
from plainwire.keys import read_keys
from plainwire.model import (
    Bugs,
    CaptureDrops,
    CaptureNote,
    Connection,
    Coverage,
    PacketBatch,
    Report,
    SecretsBlock,
)
from plainwire.packets.decode import Decoder
from plainwire.packets.relays import Relays
from plainwire.portions import MOST_DATAGRAMS, MOST_SEGMENTS, portions
from plainwire.stopping import mark_stopped
from plainwire.streams.attempts import MOST_KEPT
from plainwire.streams.lone_syns import MOST_NOTED
from plainwire.streams.tcp_assembler import ALL, MOST_OPEN, Assembler, TcpConnection
from plainwire.streams.whole_connection import WholeConnection
from plainwire.tls.keylog import KeyLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from plainwire.diagnose.traffic.told_failures import ToldFailures
    from plainwire.dns.lookups import Lookups
    from plainwire.folder import FileSource
    from plainwire.model import (
        CaptureItem,
        Certificate,
        DatagramBatch,
        Endpoint,
        Exchange,
        IcmpError,
        Lookup,
        ProgramEvents,
        SegmentBatch,
    )
    from plainwire.progress import Through
    from plainwire.quic.quic_assembler import QuicAssembler

_MOST_ERRORS = 10_000


class FollowedShare(NamedTuple):
    """What came of a share of a capture's TCP connections. ``claimed``: client randoms that were seen;
    ``room``: what their exchanges take of the room for all; ``limited``: it may have met a limit that all
    connections share.
    """

    connections: list[Connection]
    claimed: set[bytes]
    room: int
    limited: bool


class Analysis:
    """Feeds on what a capture holds, piece by piece; ``close`` gives the report."""

    def __init__(
        self,
        keys: KeyLog | None = None,
        *,
        events: ProgramEvents | None = None,
        program_only: bool = False,
        keep_bodies: bool = False,
        share: tuple[int, int] = ALL,
    ) -> None:
        self.coverage = Coverage()
        self._share = share
        self._bugs = Bugs()
        self._keys = keys or KeyLog()
        self._events = events
        self._program_only = program_only and events is not None
        self._decoder = Decoder()
        self._relays = Relays()
        self._reading = Reading(keep_bodies=keep_bodies, budget=CaptureBudget.part(share[1]))
        self._assembler = Assembler(share, whole_reading(self._keys, self._reading))
        self._quic: QuicAssembler | None = None  # made at the first datagram that may be its
        self._open: dict[int, Guarded] = {}
        self._open_quic: dict[int, Guarded] = {}
        self._lookups: Lookups | None = None  # made at the first datagram: most captures have none
        self._errors: list[IcmpError] = []
        self._done = Kept()

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
        self._relays.feed(batch)
        decoded = self._bugs.attempt("the decoding of packets failed", self._decoder.decode, batch)
        if decoded is None:
            return
        for segments in portions(decoded.segments, MOST_SEGMENTS):
            self._bugs.attempt("the following of connections failed", self._segments, segments)
        if self._share[0]:
            return  # what else there is belongs to the first share
        if decoded.datagrams is not None:
            self._bugs.attempt("the reading of DNS failed", self._names, decoded.datagrams)
            for datagrams in portions(decoded.datagrams, MOST_DATAGRAMS):
                self._bugs.attempt("the following of QUIC failed", self._datagrams, datagrams)
        self._errors += decoded.errors[: _MOST_ERRORS - len(self._errors)]

    def _segments(self, batch: SegmentBatch) -> None:
        touched, over = self._assembler.feed(batch)
        for tcp in touched:
            if not self._is_read(tcp) and tcp.delivers:
                conversation = self._open[tcp.facts.id] = self._conversation(tcp)
                conversation.feed()
        self._end(over)

    def _is_read(self, tcp: TcpConnection) -> bool:
        """Whether a connection was read at once, and stays as it was read. Takes the room for its exchanges,
        or gives it back.
        """
        if not isinstance(tcp, WholeConnection):
            return False
        room = self._reading.exchanges
        if tcp.is_whole and tcp.room is None:
            sizes = SizesOfMessages(*tcp.requests), SizesOfMessages(*tcp.responses)
            tcp.room = admitted(room, *sizes)
            if tcp.room is None:
                tcp.follow()
        if not tcp.is_whole and tcp.room is not None:
            room.left += tcp.room
            tcp.room = None
        return tcp.is_whole

    def _end(self, over: Iterable[TcpConnection]) -> None:
        """Connections are over."""
        for tcp in over:
            if self._is_read(tcp):
                self._keep(tcp.facts)
            else:
                self._keep(self._conversation(tcp).finish())

    def _keep(self, facts: Connection) -> None:
        """A connection is complete."""
        self._reading.exchanges.release(self._done.add(facts))

    def _conversation(self, tcp: TcpConnection) -> Guarded:
        """The one that follows a connection; a new one where none has said anything so far."""
        known = self._open.pop(tcp.facts.id, None)
        return known or Guarded(Conversation(tcp, self._keys, self._reading), self._bugs)

    def _names(self, batch: DatagramBatch) -> None:
        from plainwire.dns.lookups import Lookups  # noqa: PLC0415 - see __init__

        self._lookups = self._lookups or Lookups()
        self._lookups.feed(batch)

    def _datagrams(self, batch: DatagramBatch) -> None:
        from plainwire.quic import sieve  # noqa: PLC0415 - as above

        if self._quic is None and not sieve.worth_reading(batch):
            return
        from plainwire.conversation.quic_conversation import QuicConversation  # noqa: PLC0415
        from plainwire.quic.quic_assembler import QuicAssembler  # noqa: PLC0415

        self._quic = self._quic or QuicAssembler()
        touched, over = self._quic.feed(batch, self._keys)
        for quic in touched:
            conversation = self._open_quic.get(quic.facts.id)
            if conversation is None:
                conversation = Guarded(QuicConversation(quic, self._keys, self._reading), self._bugs)
                self._open_quic[quic.facts.id] = conversation
            conversation.feed()
        for quic in over:
            self._keep(self._open_quic.pop(quic.facts.id).finish())

    def _finish(self) -> None:
        """Finish what is still open when the capture ends."""
        self._end(self._assembler.close())
        if self._quic is not None:
            self._quic.close()
        for conversations in (self._open, self._open_quic):
            while conversations:
                self._keep(conversations.popitem()[1].finish())

    def part(self) -> FollowedShare:
        """The capture is over: what came of the share that is followed here."""
        self._finish()
        room = ROOM - self._reading.exchanges.left
        return FollowedShare(self._done.connections, self._keys.claimed, room, self._is_limited())

    def _is_limited(self) -> bool:
        of, tcp = self._share[1], self._assembler
        return (
            bool(self._bugs.found or tcp.given_up or tcp.attempts.counted)
            or self._reading.budget.met
            or not self._done.keeps_all
            or of * self._keys.tried > 1
            or of * tcp.most_open > MOST_OPEN
            or of * tcp.most_noted > MOST_NOTED
            or of * tcp.attempts.total > MOST_KEPT
        )

    def joins(self, own: FollowedShare, others: list[FollowedShare]) -> bool:
        """Take the other shares to one's own; False where one process alone could have found something else:
        where a limit was met, or a session may be one that another connection knows the secret of.
        """
        parts = [own, *others]
        room = sum(part.room for part in parts)
        if any(part.limited for part in parts) or max(part.room for part in parts) > ROOM - room:
            return False
        if self._keys.lines and any(map(_may_resume, (c for part in parts for c in part.connections))):
            return False
        for part in others:
            self._keys.claimed |= part.claimed
            for connection in part.connections:
                self._done.add(connection)
        return self._done.keeps_all

    def close(self) -> Report:
        """The capture is over."""
        self._finish()
        connections = sorted(self._done.connections, key=lambda c: c.first_packet)
        _identify(connections)
        self._relayed(connections)
        attempt = self._bugs.attempt
        attempt("the reading of ICMP failed", _attach, self._errors, connections)
        attempt("the reading of certificates failed", _read_certificates, connections)
        if self._events is not None:
            connections = self._attribute(connections, self._events)
            attempt("the reading of the program's end failed", mark_stopped, connections, self._events)
            _watch(connections, self._events)
        exchanges = _number(connections)
        self._cover(connections)
        servers = attempt("the inference of servers' limits failed", infer, connections) or {}
        lookups = self._lookups.found if self._lookups is not None else []
        said, spoken = None, None
        if self._events is not None:
            from plainwire import hearing  # noqa: PLC0415 - see __init__

            said = attempt("the reading of the program's words failed", hearing.read_messages, self._events)
            spoken = attempt(
                "the reading of the program's words failed", hearing.spoken, self._events, said or []
            )
        findings = attempt("the diagnosis failed", diagnose, connections, lookups, self._bugs, spoken) or []
        if lookups:
            from plainwire.dns import answers  # noqa: PLC0415 - see __init__

            attempt("the matching of names with connections failed", answers.assign, lookups, connections)
        report = Report(self.coverage, connections, exchanges, list(servers.values()), findings)
        if self._events is not None and said is not None:
            attempt("the hearing of the program failed", hearing.hear, report, lookups, self._events, said)
        if lookups and not connections and self._events is None:
            attempt("the reading of names failed", _seek, report, lookups)
        report.signs = attempt("the ledger failed", account, connections, report.findings) or []
        if self._events is not None and said is not None:
            attempt("the program's account failed", hearing.testify, report, lookups, self._events, said)
        if report.findings:
            attempt("the comparison failed", _compare, report, spoken)
            attempt("the naming of settings failed", _name_settings, report)
        self.coverage.bugs = self._bugs.found
        return report

    def _attribute(self, connections: list[Connection], events: ProgramEvents) -> list[Connection]:
        """Name the connections' owners; leave out those of others where asked to."""
        self.coverage.notes += events.notes
        self.coverage.other_packets = events.left_out
        attribution.name_owners(connections, events)
        if not self._program_only:
            return connections
        own = attribution.own(connections, events, self._keys)
        self.coverage.other_connections = len(connections) - len(own)
        _identify(own)
        return own

    def _relayed(self, connections: list[Connection]) -> None:
        """Where plainwire had the network made, loopback leads out of it as well: its events say so."""
        all_are = self._events is not None and self._events.relayed
        if self._relays.found and not all_are:
            self.coverage.notes.append(
                "the network is a relay's (slirp, pasta): acknowledgments, FIN and RST are its own"
            )
        for connection in connections if self._relays.found or all_are else ():
            connection.relayed = all_are or not on_one_host(connection)

    def _cover(self, connections: list[Connection]) -> None:
        unseen.count_connections(self.coverage, connections, self._events)
        datagrams = self._quic.passed_over if self._quic is not None else {}
        unseen.note_passed_over(self.coverage, self._decoder.passed_over, datagrams)
        unseen.note_keys(self.coverage, self._keys, connections)
        from_sockets = {connection.from_sockets for connection in connections}
        if True in from_sockets:
            self.coverage.evidence = "both" if False in from_sockets else "sockets"
        tcp = self._assembler
        unseen.note_given_up(self.coverage, tcp.given_up)
        self.coverage.notes += count_alike(connections, tcp.attempts.counted, self._decoder.endpoints)
        self.coverage.notes += self._done.notes()


def _watch(connections: Sequence[Connection], events: ProgramEvents) -> None:
    """The capture of a program's run goes on until the program has ended."""
    for connection in connections:
        if connection.quic is not None and events.ended_ns is not None:
            connection.quic.watched_until_ns = max(connection.quic.watched_until_ns, events.ended_ns)


def _seek(report: Report, lookups: list[Lookup]) -> None:
    """Add what the questions for names tell where there is nothing else."""
    from plainwire.diagnose.testimony.without_request import unresolved_names  # noqa: PLC0415 - see __init__

    report.findings = [*unresolved_names(lookups), *report.findings]


def _compare(report: Report, spoken: dict[int, ToldFailures] | None) -> None:
    """Add how often requests failed, and what failures have in common."""
    from plainwire.diagnose.comparison.comparison import compare  # noqa: PLC0415 - see __init__
    from plainwire.diagnose.traffic.attempts import attempts  # noqa: PLC0415 - see __init__

    report.attempts = attempts(report.connections, report.findings, spoken)
    compared = compare(report.connections, report.findings)
    report.comparison, report.undecided = compared.contrasts, compared.undecided


def _name_settings(report: Report) -> None:
    """Add to the findings' advice the settings of the programs that were recognised."""
    from plainwire.diagnose.settings.naming import name_settings  # noqa: PLC0415 - see __init__

    name_settings(report)


def _identify(connections: list[Connection]) -> None:
    """Give connections their ids, from 1, in order."""
    for index, connection in enumerate(connections, 1):
        if connection.id == index:
            continue
        connection.id = index
        for exchange in connection.exchanges:
            exchange.connection = index


def _may_resume(connection: Connection) -> bool:
    """Whether it could not be read, and is of a version in which another connection may tell its secret."""
    sessions = [tls for tls in (connection.tls, *connection.inner_tls) if tls is not None]
    return bool(connection.undecrypted) and any(tls.version != "TLS 1.3" for tls in sessions)


def _attach(errors: list[IcmpError], connections: list[Connection]) -> None:
    """ICMP errors belong to the last connection that began before them with the quoted packet's ends."""
    if not errors:
        return
    by_ends: dict[frozenset[Endpoint], list[Connection]] = {}
    for connection in connections:
        by_ends.setdefault(frozenset((connection.client, connection.server)), []).append(connection)
    for error in errors:
        begun = [
            connection
            for connection in by_ends.get(frozenset((error.source, error.target)), ())
            if connection.first_packet < error.packet
        ]
        if begun:
            begun[-1].icmp_errors.append(error)


def _read_certificates(connections: list[Connection]) -> None:
    """Of connections whose handshake came to nothing, and of others to the same names; of refused clients.

    Of the rest nobody asks.
    """
    known: dict[bytes, Certificate] = {}
    names: set[str | None] = set()
    for connection in connections:
        tls = handshake_session(connection)
        if tls is None:
            continue
        if tls.certificate and (
            only_tunnels(connection) or any(c.kind == "alert" for c in connection.closes)
        ):
            names.add(tls.server_name)
            tls.leaf = _certificate(tls.certificate, known)
            tls.issuers_said = [_certificate(issuer, known) for issuer in tls.issuers]
        if tls.client_certificate and any(_is_refused(e) for e in connection.exchanges):
            tls.client_leaf = _certificate(tls.client_certificate, known)
    names.discard(None)
    for connection in connections if names else ():
        tls = handshake_session(connection)
        if tls is not None and tls.certificate and tls.leaf is None and tls.server_name in names:
            tls.leaf = _certificate(tls.certificate, known)


def _is_refused(exchange: Exchange) -> bool:
    """Whether the client was refused by a status (RFC 9110 section 15.5)."""
    return exchange.response is not None and 400 <= exchange.response.status < 500


def _certificate(der: bytes, known: dict[bytes, Certificate]) -> Certificate:
    from plainwire.tls.certificate import read  # noqa: PLC0415 - see __init__

    if der not in known:
        known[der] = read(der)
    return known[der]


def _number(connections: list[Connection]) -> list[Exchange]:
    """All exchanges in order of their first packet, with ids from 1."""
    exchanges = [e for c in connections for e in c.exchanges]
    exchanges.sort(key=lambda e: e.request.packet if e.request else e.response.packet if e.response else 0)
    for index, exchange in enumerate(exchanges, 1):
        exchange.id = index
    return exchanges


def analyze(
    paths: Sequence[FileSource],
    keys: Iterable[FileSource] = (),
    *,
    private_keys: Iterable[FileSource] = (),
    psks: Iterable[str] = (),
    events: ProgramEvents | None = None,
    program_only: bool = False,
    keep_bodies: bool = False,
    through: Through = iter,
) -> Report:
    """Read capture files as one capture, with the secrets in them and in key log files.

    ``private_keys`` are files with servers' RSA keys, ``psks`` pre-shared keys in hex digits.
    ``program_only`` leaves out the connections that ``events`` does not name and that have no secret.
    ``through`` sees all that is read, and may end it.

    Raises:
        UserError: a file is missing, unreadable, or no capture file.

    """
    known = read_keys(keys, private_keys, psks)
    analysis = Analysis(known, events=events, program_only=program_only, keep_bodies=keep_bodies)
    with uncollected():
        for item in through(reader.read(paths)):
            analysis.feed(item)
        return analysis.close()


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """What an analysis builds lives to its end and holds no cycles: to look for some costs a fifth of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def exit_code(report: Report) -> int:
    """0 nothing found, 1 findings, 3 nothing found but too little could be seen to say so; 4 where a bug of
    plainwire's own cost a part of the report.
    """
    if report.coverage.bugs:
        return 4
    if any(f.code != "capture-artifact" for f in report.findings):
        return 1
    coverage = report.coverage
    blind = coverage.undecrypted or coverage.mid_stream or coverage.packets_dropped or report.findings
    unseen = any(e.outcome == "unseen" for e in report.exchanges) or any(s.open for s in report.signs)
    asked = any(e.request is not None for e in report.exchanges)
    return 3 if blind or unseen or not asked else 0
