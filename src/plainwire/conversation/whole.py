"""Whole connections, read by the compiled kernel: what ``Conversation`` would leave of them.

The kernel (native/kernel/src/whole says what it reads) goes from segments to messages in one call for all
connections of a batch. All else is followed by ``TcpConnection`` and ``Conversation``, which know everything.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from plainwire import kernel
from plainwire.model import CloseEvent, Connection, Exchange, Segments, Side, Syn, TlsInfo
from plainwire.streams.whole_connection import HeldSegments, WholeConnection
from plainwire.tls import suites

if TYPE_CHECKING:
    from plainwire._kernel import Ending, SegmentTable, Session, WholeBatch, WholeReader
    from plainwire.http.reading import Reading
    from plainwire.model import Int64s, SegmentBatch
    from plainwire.tls.keylog import KeyLog

_SIDES = tuple(Side)


def whole_reading(keys: KeyLog, reading: Reading) -> WholeReading | None:
    """None where there is no kernel, or where bodies are kept, which it does not do."""
    if kernel.compiled is None or reading.heads is None:
        return None
    return WholeReading(keys, kernel.compiled.WholeReader(reading.heads, Exchange, keys.tables_of_tls13))


class WholeReading:
    """See ``streams.tcp_assembler.ReadsWhole``."""

    def __init__(self, keys: KeyLog, reader: WholeReader) -> None:
        self._keys = keys
        self._reader = reader

    def read(self, table: SegmentTable, rows: Int64s, begins: Int64s) -> WholeBatch:
        """Read groups of segments."""
        return self._reader.read(table, rows, begins)

    def take(
        self, read: WholeBatch, number: int, identity: int, batch: SegmentBatch
    ) -> WholeConnection | None:
        """One of those that were read."""
        made = self._reader.take(read, number, identity)
        if made is None:
            return None
        carried, endings, session, (exchanges, (requests, responses)), (rows, payload) = made
        (source, target), count, established, last, syns, settled, sizes, segments = carried
        options, endpoints = batch.options, batch.endpoints
        (number, opened_ns, *_), (_, answered_ns, *_) = syns
        facts = Connection(
            id=identity,
            client=endpoints[source],
            server=endpoints[target],
            first_packet=number,
            opened_ns=opened_ns,
            last_packet=last[0],
            last_ns=last[1],
            packets=count,
            sizes=list(sizes),
            rtt_syn_ns=answered_ns - opened_ns,
            syns=[
                Syn(packet, time_ns, side, flags, window, ttl, options.get(packet))
                for side, (packet, time_ns, flags, window, ttl, _) in zip(_SIDES, syns, strict=True)
            ],
            established=established,
            tls=None if session is None else self._session(session),
            decrypted=session is not None,
            closes=[_close(ending) for ending in endings],
            segments=Segments.few(array("q", segments), count),
            exchanges=exchanges,
            application="http/1.1" if exchanges else None,
        )
        held = HeldSegments(rows, payload, target, endpoints, settled, last[2])
        return WholeConnection(facts, held, requests, responses)

    def _session(self, session: Session) -> TlsInfo:
        (
            client_random,
            server_name,
            (offered, protocol),
            newest,
            (status_requested, later),
            suite,
            resumed,
            (certificate, chain, stapled),
            (began_ns, finished_ns),
            hello_size,
            talked,
        ) = session
        self._keys.claim(client_random)
        return TlsInfo(
            version="TLS 1.3",
            cipher_suite=suites.name(suite),
            alpn=protocol,
            server_name=server_name,
            resumed=resumed,
            client_random=client_random,
            handshake_complete=True,
            flight_whole=True,
            began_ns=began_ns or None,
            finished_ns=finished_ns or None,
            alpn_offered=offered,
            newest_offered=newest,
            status_requested=status_requested,
            stapled=stapled,
            certificate=certificate,
            chain=chain,
            starts=[0, 0],
            hello_size=hello_size,
            talked=list(talked),
            post_handshake_auth=later,
        )


def _close(ending: Ending) -> CloseEvent:
    notified, side, time_ns, packet, seq, ack, flags, ttl, ip_id, window = ending
    return CloseEvent(
        kind="close_notify" if notified else "fin",
        side=_SIDES[side],
        time_ns=time_ns,
        packet=packet,
        seq=seq,
        ack=ack,
        flags=flags,
        ttl=ttl,
        ip_id=ip_id,
        window=window,
        from_sockets=not notified and ttl == 0,
    )
