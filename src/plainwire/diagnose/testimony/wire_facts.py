"""What the wire did to an exchange or a connection, in the words that clients can have for it (``Wire``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose.evidence.as_the_client_saw import as_the_client_saw, left_on_status
from plainwire.diagnose.evidence.closes import client_first, first_close
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, REDIRECTS
from plainwire.model import Side
from plainwire.model.connection import UNANSWERED

from .spoken_causes import CODES
from .wording import Wire

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Exchange, Reused

_BAD_RECORD = "bad_record_mac"
_AUTHENTIC = frozenset(
    {
        "certificate",
        "unknown_ca",
        "bad_certificate",
        "certificate_unknown",
        "certificate_expired",
        "unsupported_certificate",
    }
)

_INSIDE = (
    Wire.CALL_STATUS,
    Wire.WEBSOCKET_CUT,
    Wire.WEBSOCKET_CLOSED,
    Wire.EVENT_ERROR,
    Wire.CONTENT,
    Wire.GOAWAY,
    Wire.PROXY,
)
"""What can be the matter with an exchange whose response is whole by HTTP."""
_BEGINNINGS = (
    Wire.HELLO_RESET,
    Wire.HELLO_CLOSE,
    Wire.HELLO_SILENCE,
    Wire.CERTIFICATE,
    Wire.NOT_TLS,
    Wire.PROXY,
)


class Fate(Struct):
    """What became of one exchange, or of a connection that came to none (``exchange`` None).

    The program can have known of it from ``known_ns`` on, and of the attempt from ``began_ns``. ``packet``
    is the one by which it knew. ``status`` is that of a response that the capture holds whole, whatever the
    client took of it.
    """

    connection: Connection
    exchange: Exchange | None
    wire: frozenset[Wire]
    began_ns: int
    known_ns: int
    packet: int
    status: int | None = None
    left_ns: int | None = None
    """When the client ended the connection: it may have waited until then."""

    @property
    def failed(self) -> bool:
        """Whether it is more than a whole response."""
        return not self.wire <= {Wire.WHOLE, Wire.STATUS}


def of_exchange(connection: Connection, whole: Exchange) -> Fate | None:
    """None where the capture does not show how it ended."""
    exchange = as_the_client_saw(connection, whole)
    request, response = exchange.request, exchange.response
    if request is None or exchange.outcome == "unseen":
        return None
    full = whole.response.status if whole.response is not None and whole.response.complete else None
    if response is not None and (exchange.outcome == "complete" or left_on_status(connection, whole)):
        error = response.status >= ERROR_STATUS or response.status in REDIRECTS  # one that is not followed
        answered = {Wire.WHOLE, Wire.STATUS} if error else {Wire.WHOLE}
        known, packet = response.last_ns, response.last_packet
        if not request.complete:
            answered.add(Wire.CUT_SENDING)  # an early answer: the client may not have come to read it
        return Fate(connection, whole, frozenset(answered), request.time_ns, known, packet, full)
    stream = _of_stream(connection, exchange)
    if stream is not None:
        event_wire, known, packet = stream
        return Fate(connection, whole, event_wire, request.time_ns, known, packet, full)
    left = client_first(connection)
    if left is not None and not _of_another(connection, left):
        gave_up = {Wire.SILENCE if response is None else Wire.STALL}
        if response is not None and response.defects:
            gave_up |= {Wire.NONSENSE, Wire.CLOSE_INSIDE}  # clients word what they cannot read in many ways
        return Fate(connection, whole, frozenset(gave_up), request.time_ns, left.time_ns, left.packet, full)
    close = first_close(connection, Side.SERVER)
    if close is None:
        return Fate(
            connection,
            whole,
            frozenset({Wire.SILENCE}),
            request.time_ns,
            request.last_ns,
            request.packet,
            full,
        )
    wire = _cut(connection, exchange, close)
    began = request.time_ns
    return Fate(connection, whole, wire, began, max(began, close.time_ns), close.packet, full)


def with_code(fate: Fate, code: str) -> Fate:
    """Add what a finding tells of an exchange that is whole by itself, or of a connection."""
    if not fate.failed or fate.exchange is None:
        among = _BEGINNINGS if fate.exchange is None else _INSIDE
        fate.wire |= {
            w for w in among if any(code == stem or code.startswith(f"{stem}-") for stem in CODES[w])
        }
    return fate


def _cut(connection: Connection, exchange: Exchange, close: CloseEvent) -> frozenset[Wire]:
    reset = close.kind == "rst"
    if exchange.response is not None:
        inside = {Wire.RESET_INSIDE if reset else Wire.CLOSE_INSIDE, *_of_records(connection, close)}
        return frozenset(inside | {Wire.NONSENSE} if exchange.response.defects else inside)
    found = {Wire.RESET if reset else Wire.CLOSE, *_of_records(connection, close)}
    request = exchange.request
    later_reset = any(c.side == Side.SERVER and c.kind == "rst" for c in connection.closes)
    if request is not None and (
        not request.complete or (later_reset and not reset) or close.time_ns <= request.time_ns
    ):
        found.add(Wire.CUT_SENDING)
    if later_reset and not reset and request is not None and close.time_ns <= request.time_ns:
        found.add(Wire.RESET)  # the kernel had the close already, and then the answer to the request
    return frozenset(found)


def _of_records(connection: Connection, close: CloseEvent) -> set[Wire]:
    """What TLS itself can have told the program, beside what became of the exchange.

    Where two processes share a connection, what one of them reads the other cannot authenticate any more.
    """
    found = {Wire.ALERT} if close.kind == "alert" else set()
    skipped = connection.tls is not None and any(connection.tls.numbers_skipped)
    if close.detail == _BAD_RECORD or skipped or _by_two(connection):
        found.add(Wire.CORRUPT)
    return found


def _of_another(connection: Connection, left: CloseEvent) -> bool:
    """Whether another process ended TLS, so that the one with the exchange met with the server's end."""
    return any(left.seq in (reuse.first, reuse.start) for reuse in _by_two(connection))


def _by_two(connection: Connection) -> list[Reused]:
    """Records that show two senders on the client's side."""
    infos = (info for info in (connection.tls, *connection.inner_tls) if info is not None)
    return [r for info in infos for r in info.reused if not r.copied and r.side == Side.CLIENT]


def _of_stream(connection: Connection, exchange: Exchange) -> tuple[frozenset[Wire], int, int] | None:
    reset = exchange.reset
    if reset is not None and reset.side == Side.SERVER:
        kind = (
            Wire.STREAM_REFUSED if "REFUSED" in reset.name or "REJECTED" in reset.name else Wire.STREAM_RESET
        )
        return frozenset({kind}), reset.time_ns, reset.packet
    if exchange.protocol not in {"h2", "h3"}:
        return None
    for event in connection.events:
        if event.kind == "goaway" and event.side == Side.SERVER:
            close = first_close(connection, Side.SERVER)
            kinds = {Wire.GOAWAY} if close is None else {Wire.GOAWAY, Wire.CLOSE, Wire.CLOSE_INSIDE}
            return frozenset(kinds), event.time_ns, event.packet
    return None


def of_connection(connection: Connection, code: str | None = None) -> Fate | None:
    """Of a connection that came to no request, or that ``code`` tells the failure of; None where it does not
    seem to have failed.
    """
    close = first_close(connection, Side.SERVER)
    left = client_first(connection)
    last = close or left
    known, packet = (last.time_ns, last.packet) if last else (connection.last_ns, connection.last_packet)
    wire = _beginning(connection, close, left)
    if connection.transport == "quic" and code is not None and code.startswith("tls-alert"):
        wire = {Wire.ALERT, Wire.CERTIFICATE}
    if not wire and code is None:
        return None
    fate = Fate(connection, None, frozenset(wire), connection.opened_ns, known, packet)
    return fate if code is None else with_code(fate, code)


def _beginning(connection: Connection, close: CloseEvent | None, left: CloseEvent | None) -> set[Wire]:
    reset = close is not None and close.kind == "rst"
    if not connection.established:
        if reset:
            return {Wire.REFUSED}
        return {Wire.UNREACHABLE, Wire.NO_CONNECT} if connection.icmp_errors else {Wire.NO_CONNECT}
    refused = next((tunnel.refused for tunnel in connection.tunnels if tunnel.refused), "")
    if refused:
        return _of_a_proxy(refused, close)
    alerts = [c for c in connection.closes if c.kind == "alert"]
    if any(c.side == Side.SERVER for c in alerts):
        after = connection.tls is not None and connection.tls.handshake_complete
        gone = any(c.side == Side.SERVER and c.kind in ("rst", "fin") for c in connection.closes)
        return {Wire.ALERT, Wire.CUT_SENDING} if after and gone else {Wire.ALERT}
    if any(word in c.detail.replace(" ", "_") for c in alerts for word in _AUTHENTIC):
        return {Wire.CERTIFICATE}
    return _without_alert(connection, close, left)


def _without_alert(connection: Connection, close: CloseEvent | None, left: CloseEvent | None) -> set[Wire]:
    if connection.undecrypted:
        return _unread(close, left)
    done = connection.tls is not None and connection.tls.handshake_complete
    return set() if done else _hello(connection, close, left)


def _of_a_proxy(refused: str, close: CloseEvent | None) -> set[Wire]:
    """Where no tunnel was opened: clients word a proxy's reply as if the server had refused them."""
    if "connection refused" in refused:
        return {Wire.PROXY, Wire.REFUSED}
    if "unreachable" in refused:
        return {Wire.PROXY, Wire.UNREACHABLE}
    if refused != UNANSWERED:
        return {Wire.PROXY}
    if close is None:
        return {Wire.PROXY, Wire.NO_CONNECT, Wire.SILENCE}
    return {Wire.PROXY, Wire.RESET if close.kind == "rst" else Wire.CLOSE}


def _unread(close: CloseEvent | None, left: CloseEvent | None) -> set[Wire]:
    """Where nothing could be decrypted it is not known how far it came."""
    if left is not None or close is None:
        return set()
    if close.kind == "rst":
        return {Wire.HELLO_RESET, Wire.RESET, Wire.RESET_INSIDE, Wire.CUT_SENDING}
    return {Wire.HELLO_CLOSE, Wire.CLOSE, Wire.CLOSE_INSIDE}


def _hello(connection: Connection, close: CloseEvent | None, left: CloseEvent | None) -> set[Wire]:
    if left is not None:
        return {Wire.HELLO_SILENCE, Wire.NOT_TLS} if connection.sizes[Side.SERVER] else {Wire.HELLO_SILENCE}
    if close is not None:
        return {Wire.HELLO_RESET if close.kind == "rst" else Wire.HELLO_CLOSE}
    return {Wire.HELLO_SILENCE}
