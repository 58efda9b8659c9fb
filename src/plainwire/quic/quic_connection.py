"""One QUIC connection: takes its datagrams; gives stream bytes, closes, events and facts.

Theory of operation. A datagram is split into its packets (RFC 9000 section 12.2). Each is decrypted if the
keys of its kind are known:

* Initial: anybody has the keys, they come from a connection id that the client chose, or that a Retry gave;
* 0-RTT, Handshake, 1-RTT: from the secrets that the key log has for the ClientHello's random.

Packets that cannot be decrypted yet wait (``MOST_WAITING`` bytes) and are tried again when the handshake or
the key log has progressed. Each decrypted packet counts once, by its packet number. Its CRYPTO frames feed
the handshake, its STREAM frames the streams, the others become facts. 0-RTT packets wait until the server
accepts or rejects them, since rejected ones were never received.

Only authentic data is trusted, except connection ids in long headers, Retry (anybody can make its tag) and
Version Negotiation (it has none): from these, only keys to try are derived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.model import Connection, QuicInfo, Side, Undecrypted
from plainwire.quic import headers, versions
from plainwire.quic.aftermath import Aftermath
from plainwire.quic.keyring import Keyring
from plainwire.quic.numbers import PacketNumbers
from plainwire.quic.packet import Packet
from plainwire.quic.protection import initial_keys, retry_is_genuine
from plainwire.quic.quic_handshake import Handshake
from plainwire.quic.versions import VERSIONS, Form
from plainwire.tls.reasons import NO_HANDSHAKE

if TYPE_CHECKING:
    from plainwire.quic.headers import LongHeader
    from plainwire.quic.packet import Datagram, Watch
    from plainwire.quic.protection import OpenedPacket
    from plainwire.quic.reassembly import Rooms
    from plainwire.quic.streams import StreamText
    from plainwire.tls.keylog import KeyLog

MOST_WAITING = 1 << 20
"""Bytes of packets that one connection keeps until their keys are known."""

_COST = 400
_MOST_PACKETS = 64
"""Most packets of one datagram that are read."""

_MOST_INITIAL_IDS, _MOST_IDS = 4, 256
_TAIL = 2048
_FULL, _LARGEST = 1200, 1472
"""Bytes of a full datagram: at the least (RFC 9000 section 14), and at the most over Ethernet and IPv4."""

_MOST_FULL, _MOST_SEARCHES = 4, 16
_RESET = 21
"""The smallest stateless reset (RFC 9000 section 10.3)."""

_SPACES = {Form.INITIAL: 0, Form.HANDSHAKE: 1, Form.ZERO_RTT: 2, Form.ONE_RTT: 2}


class QuicConnection:
    """See the module's essay.

    ``streams`` is an outbox; the reader empties it, once more after ``finish``. ``ids`` are the connection
    ids by the end that receives with them; ``learnt`` are those that the assembler does not know yet.
    ``rooms`` is what all connections together may hold. ``watch`` sees the packets too.
    """

    def __init__(
        self, facts: Connection, keys: KeyLog, rooms: Rooms, *, client: int = 0, watch: Watch | None = None
    ) -> None:
        self.facts = facts
        self._watch = watch
        self.ended = False
        self.ids: tuple[set[bytes], set[bytes]] = (set(), set())
        self.learnt: list[tuple[bytes, int]] = []
        self.undecoded = ""
        """Why none of it is read: a version of QUIC that is not known."""
        self.renegotiating = False
        """The server asked for another version, and the client has not come back yet."""
        self.watched_until_ns = 0
        """How far the capture has come when no more datagrams are taken."""
        self._sizes: list[list[int]] = [[], []]  # of ``ids``, the longest first
        self._client = client  # which end is the client
        self._proved = False  # that it is
        self._info = QuicInfo(paths=[(facts.client, facts.server)])
        self._handshake = Handshake(keys.claim)
        self._keyring = Keyring(keys, self._handshake)
        self._after = Aftermath(facts, self._info, self._handshake, rooms)
        self._senders: set[int] = set()
        self._initial_ids: list[bytes] = []
        self._version = 0
        self._numbers = [(PacketNumbers(), PacketNumbers()) for _ in range(3)]
        self._waiting: list[Packet] = []
        self._room = rooms.packets
        self._held = 0  # bytes of it
        self._dropped = 0
        self._log_size = keys.lines
        self._state: tuple[object, ...] = ()
        self._forced = False
        self._unopened: dict[tuple[Form, int], tuple[int, str]] = {}  # first packet, why
        self._opened: set[tuple[Form, int]] = set()
        self._full: list[list[int]] = [[], []]  # sizes of full datagrams, the newest first
        self._searches = _MOST_SEARCHES
        facts.transport, facts.quic = "quic", self._info

    @property
    def streams(self) -> list[StreamText]:
        """What the streams delivered since it was last emptied."""
        return self._after.streams.out

    @property
    def alpn(self) -> str | None:
        """The application protocol: the server's choice, or the only one offered."""
        return self._handshake.alpn

    def side(self, end: int) -> Side:
        """Which side an end is, if known."""
        return Side.CLIENT if end == self._client else Side.SERVER

    def feed(self, datagram: Datagram) -> None:
        """Take one datagram."""
        facts = self.facts
        facts.packets += 1
        facts.last_packet, facts.last_ns = datagram.number, datagram.time_ns
        facts.snapped = facts.snapped or not datagram.whole
        self._senders.add(datagram.sender)
        if len(self._senders) > 1 or not datagram.data[0] & headers.LONG:  # its keys come from an answer
            self._info.answered = True
        if self.undecoded:
            return
        if self._log_size != self._keyring.size:
            self._log_size = self._keyring.size
            self._state = ()
        self._cut(datagram)
        if self._waiting:
            self._release()
        if self._after.closed:
            self.ended = True

    def _cut(self, datagram: Datagram) -> None:
        """Into packets."""
        data, at = datagram.data, 0
        for _ in range(_MOST_PACKETS):
            if at >= len(data):
                return
            if not data[at] & headers.LONG:
                self._short(datagram, at)
                return
            header = headers.read_long(data, at)
            if header is None:
                self._unopen((Form.UNKNOWN, datagram.sender), datagram, "has a damaged header")
                return
            self._long(header, datagram)
            at = header.end

    def _long(self, header: LongHeader, datagram: Datagram) -> None:
        form = header.form
        if form in (Form.VERSION_NEGOTIATION, Form.RETRY):
            if self._watch is not None:
                data = datagram.data[header.start :]
                bare = Packet(form, header.version, data, 0, header.target, header.token, datagram)
                self._watch(self.facts, self.side(datagram.sender), bare, None)
            (self._retry if form is Form.RETRY else self._negotiation)(header, datagram)
        elif form is Form.UNKNOWN:
            self._info.version = self._info.version or versions.name(header.version)
            key = form, datagram.sender
            why = f"version {versions.name(header.version)} of QUIC is not supported"
            self._unopened.setdefault(key, (datagram.number, why))
        else:
            self._learn_id(header.source, datagram.sender)
            if not self._initial_ids:  # what the client's first flight, if it is late, is known by
                self._learn_id(header.target, 1 - datagram.sender)
            if header.end > len(datagram.data):
                why = "has a length that goes beyond its datagram"
                self._unopen((form, datagram.sender), datagram, why)
                return
            packet = datagram.data[header.start : header.end]
            at = header.number_at - header.start
            self._take(Packet(form, header.version, packet, at, header.target, header.token, datagram))

    def _short(self, datagram: Datagram, at: int) -> None:
        """A 1-RTT packet. Only the ids seen so far tell the length of its connection id."""
        packet = datagram.data[at:]
        if at and not packet.strip(b"\0"):
            return  # padding behind the last packet
        ids, sizes = self.ids[1 - datagram.sender], self._sizes[1 - datagram.sender]
        fits = [size for size in sizes if packet[1 : 1 + size] in ids]
        for size in fits or sizes or [0]:
            found = Packet(Form.ONE_RTT, self._version, packet, 1 + size, b"", b"", datagram)
            if self._take(found, last=not fits or size == fits[-1]):
                return

    def _take(self, packet: Packet, *, last: bool = True) -> bool:
        """Decrypt a packet if possible; tells whether it was decrypted, waits, or should be left alone.

        ``last``: there is no other way left to read it.
        """
        form, end = packet.form, packet.carrier.sender
        if form is Form.INITIAL:
            opened = self._open_initial(packet)
            if opened is None and not self._initial_ids:
                return self._wait(packet)
        else:
            side = self.side(end)
            if form is Form.ZERO_RTT:
                if self._handshake.info.early_data == "rejected":
                    return True
                if self._early_undecided():
                    return self._wait(packet)
            number = self._version if form is Form.ONE_RTT else packet.version
            version = VERSIONS.get(number) or VERSIONS[1]
            if not self._keyring.ready(form, side) and not (
                form is Form.HANDSHAKE
                and side is Side.SERVER
                and self._keyring.search(version, packet.data, packet.number_at)
            ):
                return self._wait(packet)
            expected = self._numbers[_SPACES[form]][end].largest + 1
            opened = self._keyring.open(form, side, version, packet.data, packet.number_at, expected)
        if opened is not None:
            self._arrived(packet, opened)
            return True
        if last:
            self._failed(packet)
        return False

    def _early_undecided(self) -> bool:
        """Whether the server's response to early data is yet to come, and can be read."""
        handshake = self._handshake
        if self._forced or handshake.info.early_data is not None or not handshake.early_offered:
            return False
        return handshake.suite is None or self._keyring.ready(Form.HANDSHAKE, Side.SERVER)

    def _open_initial(self, packet: Packet) -> OpenedPacket | None:
        end = packet.carrier.sender
        expected = self._numbers[0][end].largest + 1
        version = VERSIONS[packet.version]
        for known in self._initial_ids:
            keys = initial_keys(version, known)[self.side(end)]
            opened = keys.open(packet.data, packet.number_at, expected)
            if opened is not None:
                return opened
        if packet.target in self._initial_ids or (self._initial_ids and not packet.target):
            return None
        own = initial_keys(version, packet.target)[Side.CLIENT]
        opened = own.open(packet.data, packet.number_at, 0)
        if opened is not None:
            self._begin(packet)
        return opened

    def would_begin(self, header: LongHeader, data: bytes, sender: int) -> bool:
        """Whether an Initial packet uses this connection's keys."""
        packet = data[header.start : header.end]
        version, side = VERSIONS[header.version], self.side(sender)
        at = header.number_at - header.start
        return any(initial_keys(version, i)[side].open(packet, at, 0) for i in self._initial_ids)

    def _begin(self, packet: Packet) -> None:
        """A client's Initial decrypts with its own target's keys: the connection begins, or begins again."""
        end = packet.carrier.sender
        if not self._proved:
            self._proved = True
            self.facts.mid_stream = self.facts.roles_guessed = False
            if end != self._client:
                self._client = end
                self.facts.client, self.facts.server = self.facts.server, self.facts.client
                self._info.paths = [(self.facts.client, self.facts.server)]
        elif end != self._client or len(self._initial_ids) >= _MOST_INITIAL_IDS:
            return
        elif packet.token:
            self._info.retried = True
        self._begin_again(packet.target)
        self._learn_id(packet.target, 1 - end)

    def _begin_again(self, connection_id: bytes) -> None:
        if connection_id not in self._initial_ids:
            self._initial_ids.insert(0, connection_id)
        self._numbers[0] = (PacketNumbers(), PacketNumbers())
        self._handshake.restart(Form.INITIAL)

    def _retry(self, header: LongHeader, datagram: Datagram) -> None:
        """RFC 9000 section 8.1.2."""
        packet = datagram.data[header.start :]
        version = VERSIONS[header.version]
        genuine = any(retry_is_genuine(version, packet, known) for known in self._initial_ids)
        if genuine and datagram.sender != self._client and len(self._initial_ids) < _MOST_INITIAL_IDS:
            self._info.retried = True
            self._begin_again(header.source)
            self._learn_id(header.source, datagram.sender)
        detail = (
            "" if genuine else "its integrity tag is wrong, or the packet that it answers was not captured"
        )
        self._after.event("retry", self.side(datagram.sender), datagram, detail=detail)

    def _negotiation(self, header: LongHeader, datagram: Datagram) -> None:
        """RFC 9000 section 6; ignored if it comes after any other packet of the server."""
        if datagram.sender == self._client or (Form.INITIAL, datagram.sender) in self._opened:
            return
        offered = headers.offered_versions(datagram.data, header)
        detail = "the server knows " + ", ".join(versions.name(version) for version in offered[:16])
        self._after.event("version_negotiation", Side.SERVER, datagram, detail=detail)
        self._numbers[0] = (PacketNumbers(), PacketNumbers())
        self._handshake.restart(Form.INITIAL)
        self.renegotiating = True

    def _wait(self, packet: Packet) -> bool:
        cost = len(packet.data) + _COST
        key = packet.form, packet.carrier.sender
        self._unopened.setdefault(key, (packet.carrier.number, ""))
        if self._held + cost <= MOST_WAITING and self._room.left >= cost:
            self._held += cost
            self._room.left -= cost
            self._waiting.append(packet._replace(carrier=packet.carrier._replace(data=b"")))
        else:
            self._dropped += 1
        return True

    def _release(self) -> None:
        """Try the waiting packets again, if anything that matters has changed."""
        for _ in range(8):
            handshake = self._handshake
            hello = handshake.random, handshake.suite, handshake.info.early_data
            state = (*hello, len(self._initial_ids), self._forced)
            if state == self._state or not self._waiting:
                return
            self._state = state
            waiting, self._waiting = self._waiting, []
            self._room.left, self._held = self._room.left + self._held, 0
            for packet in waiting:
                self._take(packet)

    def _failed(self, packet: Packet) -> None:
        datagram = packet.carrier
        sender = self.side(datagram.sender)
        reset = packet.form is Form.ONE_RTT and len(packet.data) >= _RESET
        if reset and self._after.is_reset(packet.data[-16:], sender):
            self._after.stateless_reset(sender, datagram)
        elif packet.form is Form.ONE_RTT and self._segments(packet):
            return
        elif not datagram.whole:
            self._unopen((packet.form, datagram.sender), datagram, "was cut by the snap length")
        else:
            self._unopen((packet.form, datagram.sender), datagram, "does not authenticate")

    def _segments(self, packet: Packet) -> bool:
        """Read what the kernel is yet to cut into datagrams of one size (udp(7), UDP_SEGMENT).

        A capture on the sender's host, or on the loopback interface, takes them as one. The size is none that
        it tells: one that the sender's datagrams had before, or one of all that are usual.
        """
        end, data = packet.carrier.sender, packet.data
        sizes = [size for size in self._full[end] if size < len(data)]
        if len(data) > _LARGEST and self._searches:
            self._searches -= 1
            sizes += range(_LARGEST, _FULL - 1, -1)
        version = VERSIONS.get(self._version) or VERSIONS[1]
        for size in sizes:
            first, expected = data[:size], self._numbers[2][end].largest + 1
            opened = self._keyring.open(
                Form.ONE_RTT, self.side(end), version, first, packet.number_at, expected
            )
            if opened is None:
                continue
            self._note_full(end, size)
            self._arrived(packet._replace(data=first), opened)
            for at in range(size, len(data), size):
                self._take(packet._replace(data=data[at : at + size]))
            return True
        return False

    def _note_full(self, end: int, size: int) -> None:
        sizes = self._full[end]
        if size not in sizes:
            sizes.insert(0, size)
            del sizes[_MOST_FULL:]

    def _unopen(self, key: tuple[Form, int], datagram: Datagram, why: str) -> None:
        if not datagram.whole:
            why = "was cut by the snap length"
        if not self._unopened.get(key, (0, ""))[1]:
            self._unopened[key] = datagram.number, f"packet {datagram.number} {why}"

    def _arrived(self, packet: Packet, opened: OpenedPacket) -> None:
        form, datagram = packet.form, packet.carrier
        end, side = datagram.sender, self.side(datagram.sender)
        if not self._numbers[_SPACES[form]][end].add(opened.number):
            return  # captured twice, or repeated on the way
        if self._watch is not None:
            self._watch(self.facts, side, packet, opened)
        self._opened.add((form, end))
        if _FULL <= len(datagram.data) <= _LARGEST:
            self._note_full(end, len(datagram.data))
        self.renegotiating = False
        if packet.target:
            self._learn_id(packet.target, 1 - end)
        self._note_version(packet, side)
        if form is Form.INITIAL and side is Side.CLIENT:
            self._info.largest_initial = max(self._info.largest_initial, len(datagram.data))
        if form in (Form.ONE_RTT, Form.ZERO_RTT):
            self.facts.decrypted = True
            self._info.early_packets += form is Form.ZERO_RTT
            tail = self._info.numbers[side]
            tail.append((datagram.number, opened.number))
            if len(tail) >= 2 * _TAIL:
                del tail[:_TAIL]
            self._after.follow_path(side, datagram)
        if side is Side.CLIENT and form in (Form.HANDSHAKE, Form.ONE_RTT):
            self.facts.established = True
        self._after.take(form, side, opened, datagram)
        for connection_id, receiver in self._after.learnt:
            self._learn_id(connection_id, receiver)
        self._after.learnt.clear()

    def _note_version(self, packet: Packet, side: Side) -> None:
        """The version in use is the server's (RFC 9368); until that is seen, the client's."""
        if packet.form is Form.ONE_RTT or packet.version == self._version:
            return
        if self._version and side is Side.CLIENT and (Form.INITIAL, 1 - self._client) in self._opened:
            return
        self._version = packet.version
        name = versions.name(packet.version)
        if self._info.version and self._info.version != name and not self._info.first_version:
            self._info.first_version = self._info.version
        self._info.version = name

    def _learn_id(self, connection_id: bytes, end: int | Side) -> None:
        """Learn an id that an end receives with; a ``Side`` means the end that is this side."""
        if isinstance(end, Side):
            end = self._client if end is Side.CLIENT else 1 - self._client
        known = self.ids[end]
        if connection_id not in known and len(known) < _MOST_IDS:
            known.add(connection_id)
            if len(connection_id) not in self._sizes[end]:
                self._sizes[end] = sorted([*self._sizes[end], len(connection_id)], reverse=True)
            self.learnt.append((connection_id, end))

    def finish(self) -> Connection:
        """Take the end of the datagrams: complete the facts."""
        facts, info = self.facts, self._info
        info.watched_until_ns = max(self.watched_until_ns, facts.last_ns)
        self._forced = True
        self._release()
        self._room.left, self._held = self._room.left + self._held, 0
        self._waiting.clear()
        self._after.finish()
        facts.tls = None if self.undecoded else self._handshake.info
        for end in (0, 1):
            side = self.side(end)
            self._handshake.info.key_updates[side] = self._keyring.updates(side)
            info.missing_packets[side] = self._numbers[2][end].missing_beside(
                [space[end] for space in self._numbers[:2]]
            )
        facts.established = facts.established or any(
            (form, self._client) in self._unopened for form in (Form.HANDSHAKE, Form.ONE_RTT)
        )
        facts.undecrypted = self._reasons()
        return facts

    def _reasons(self) -> list[Undecrypted]:
        """The reasons for everything unread: those of streams first, one for both sides if it is the same."""
        if self.undecoded:
            return [Undecrypted(self.undecoded, None, self.facts.first_packet)]
        found: dict[str, list[tuple[Side, int]]] = {}
        for form in (Form.ONE_RTT, Form.ZERO_RTT, Form.HANDSHAKE, Form.INITIAL, Form.UNKNOWN):
            for end in (0, 1):
                why = self._reason(form, end)
                if why:
                    packet = self._unopened[form, end][0]
                    found.setdefault(why, []).append((self.side(end), packet))
        if self._dropped and self._opened & {(Form.ONE_RTT, 0), (Form.ONE_RTT, 1)}:
            why = f"{self._dropped} packets came long before their keys were known, and were not kept"
            found[why] = [(side, self.facts.first_packet) for side in Side]
        refused = self._after.streams.refused
        if refused:
            why = f"{plurals.count(refused, 'frame')} of streams beyond those that are followed at a time"
            found[why] = [(side, self.facts.first_packet) for side in Side]
        if self._after.left_out:
            why = f"{plurals.count(self._after.left_out, 'end')} of streams beyond those that are kept"
            found[why] = [(side, self.facts.first_packet) for side in Side]
        return [
            Undecrypted(why, at[0][0] if len({side for side, _ in at}) == 1 else None, min(p for _, p in at))
            for why, at in found.items()
        ]

    def _reason(self, form: Form, end: int) -> str:
        """Why packets of one form and end could not be decrypted; empty if some could, or if none matter."""
        if (form, end) not in self._unopened or (form, end) in self._opened:
            return ""
        if form is Form.HANDSHAKE and (Form.ONE_RTT, end) in self._opened:
            return ""  # nothing of the application's is missing
        if form is Form.UNKNOWN and self._opened:
            return ""
        if form is Form.ZERO_RTT and self._handshake.info.early_data == "rejected":
            return ""
        _, failure = self._unopened[form, end]
        if failure or form is Form.INITIAL:
            return failure or NO_HANDSHAKE
        return self._keyring.missing(form, self.side(end)) or failure
