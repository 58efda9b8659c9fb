"""One stream of HTTP/2 or HTTP/3: takes header blocks and data, gives one exchange.

In both protocols a request and its response have their own stream (RFC 9113 section 8.1, RFC 9114 section
4.1). They differ in framing and field compression, which a ``StreamExchange`` does not see. The order between
the two sides does not matter here, so a response may come before its request.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from plainwire import kernel, plurals
from plainwire.http.body import KeptBody
from plainwire.http.budget import Budget
from plainwire.http.content import ContentDecoder, codings
from plainwire.http.event_stream import reader_of
from plainwire.http.exchange_room import MOST_INTERIM
from plainwire.http.grpc import GrpcReader, grpc_of
from plainwire.http.semantics import (
    MOST_DEFECTS,
    FieldRules,
    make_request,
    make_response,
    trailer_defects,
    value_of,
)
from plainwire.http.websocket import WebSocketReader
from plainwire.model import Exchange, Gap, Grpc, Request, Response, Side, StreamEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.http.hpack import Block
    from plainwire.http.http1 import Locator
    from plainwire.http.reading import Reading
    from plainwire.http.semantics import Place
    from plainwire.model import CloseEvent, Connection, Outcome, Text

CallState = tuple[Grpc, list[bytes], list[int]]
"""A gRPC call whose messages were read in part: what ``GrpcReader`` takes."""

_BODILESS = frozenset((204, 304))
_PARTIAL = 206


class StreamContext:
    """What the streams of one connection share.

    ``refused`` is the error code for a request that the server did not process (RFC 9113 section 8.7, RFC
    9114 section 4.1.1). ``tunnels`` is an outbox: the data of CONNECT streams.
    """

    def __init__(self, protocol: str, version: str, refused: int, reading: Reading) -> None:
        self.protocol = protocol
        self.version = version
        self.refused = refused
        self.reading = reading
        self.rules = FieldRules()
        self.budget = Budget(reading.budget)
        self.tunnels: list[tuple[Exchange, Side, Text | Gap]] = []


class _Body:
    """The body of one message as it comes; its content codings are decoded, except those of a part (206)."""

    __slots__ = ("decoder", "events", "kept")

    def __init__(
        self, fields: list[tuple[str, str]], shared: StreamContext, *, streamed: bool, whole: bool
    ) -> None:
        named = codings(value for name, value in fields if name == "content-encoding")
        self.decoder = ContentDecoder(named, shared.budget) if named and whole else None
        self.kept = KeptBody(shared.reading)
        kind = value_of(fields, "content-type") if streamed else ""
        self.events = reader_of(kind)

    def feed(self, part: bytes, place: Place) -> None:
        for plain in (part,) if self.decoder is None else self.decoder.feed(part):
            if self.events is not None and self.events.feed(plain):
                self.events.place(place.last_packet, place.last_ns)
            self.kept.add(plain)


class StreamExchange:
    """One stream and its exchange."""

    __slots__ = (
        "_bodies",
        "_cancelled",
        "_grpc",
        "_shared",
        "_tunnel",
        "ended",
        "exchange",
        "lost",
        "refused",
        "websocket",
    )

    def __init__(self, shared: StreamContext, stream: int) -> None:
        self.exchange = Exchange(0, 0, 0, None, None, "unseen", protocol=shared.protocol, stream=stream)
        self.ended = [False, False]
        self.lost = [False, False]  # frames of that side were not seen
        self.refused = False  # by a GOAWAY, or by a QUIC connection's end that says so
        self.websocket: WebSocketReader | None = None
        self._shared = shared
        self._bodies: list[_Body | None] = [None, None]
        self._grpc: GrpcReader | None = None
        self._tunnel = False
        self._cancelled = False

    def resume(
        self, request: Request | None, response: Response | None, ended: list[bool], grpc: CallState | None
    ) -> None:
        """Go on with messages that were read in part, and of whose contents nothing is to be decoded."""
        shared, exchange = self._shared, self.exchange
        exchange.request, exchange.response, self.ended = request, response, ended
        if request is not None and not ended[Side.CLIENT]:
            self._bodies[Side.CLIENT] = _Body(request.headers, shared, streamed=False, whole=True)
        if response is not None and not ended[Side.SERVER]:
            whole = response.status != _PARTIAL
            self._bodies[Side.SERVER] = _Body(response.headers, shared, streamed=True, whole=whole)
        if grpc is not None:
            self._grpc = GrpcReader(*grpc)
            exchange.grpc = self._grpc.facts

    @property
    def connects(self) -> bool:
        """Whether its request is a CONNECT."""
        return self.exchange.request is not None and self.exchange.request.method == "CONNECT"

    # --- what frames say ----------------------------------------------------------------------------

    def headers(self, side: Side, block: Block, place: Place, why: str) -> None:
        """Take a header block. ``why``: the reason why parts of the dynamic table are unknown, if any."""
        message = self._message(side)
        if message is not None:
            self._trailers(side, message, block, place)
        elif why and not block.unknown and block.fields and block.fields[0][0][:1] != ":":
            self.lost[side] = True  # trailers of a message whose beginning was not seen
            return
        elif side == Side.CLIENT:
            message = self.request(block, place)
        else:
            message = self._respond(block, place)
        if block.defect:
            _note(message, block.defect)
        if block.unknown:
            _note(
                message,
                f"header table unknown: {why}: {plurals.count(block.unknown, 'field')} cannot be known",
            )

    def request(self, block: Block, place: Place) -> Request:
        """Take a request's header fields, from the client's HEADERS or the server's PUSH_PROMISE."""
        shared = self._shared
        request = make_request(shared.rules, block.fields, place, shared.version)
        self.exchange.request = request
        if request.method == "CONNECT":
            request.for_websocket = value_of(block.fields, ":protocol") == "websocket"
        self._bodies[Side.CLIENT] = _Body(block.fields, shared, streamed=False, whole=True)
        self._grpc = grpc_of(request)
        if self._grpc is not None:
            self.exchange.grpc = self._grpc.facts
            if self.exchange.response is not None:  # captured ahead of its request
                ahead = self.exchange.response
                self._grpc.trailers([*ahead.headers, *ahead.trailers], ahead)
        return request

    def _respond(self, block: Block, place: Place) -> Response:
        shared, exchange = self._shared, self.exchange
        response = make_response(shared.rules, block.fields, place, shared.version)
        if 100 <= response.status < 200:
            response.complete = True
            if response.status == 101:
                _note(response, "status 101 does not exist in this version of HTTP (section 8.6)")
            if len(exchange.interim) < MOST_INTERIM:
                exchange.interim.append(response)
            return response
        exchange.response = response
        self._bodies[Side.SERVER] = _Body(
            block.fields, shared, streamed=True, whole=response.status != _PARTIAL
        )
        if self._grpc is not None:
            self._grpc.trailers(block.fields, place)
        request = exchange.request
        if request is not None and request.method == "CONNECT" and 200 <= response.status < 300:
            self._begin_tunnel(request, response)
        return response

    def _begin_tunnel(self, request: Request, response: Response) -> None:
        self._tunnel = True
        response.framing, response.complete = "tunnel", True
        if value_of(request.headers, ":protocol") == "websocket":
            self.websocket = WebSocketReader(self.exchange, self._shared.budget, self._shared.reading)

    def _trailers(self, side: Side, message: Request | Response, block: Block, place: Place) -> None:
        message.trailers += block.fields
        for defect in trailer_defects(self._shared.rules, block.fields):
            _note(message, defect)
        if self._grpc is not None and side == Side.SERVER:
            self._grpc.trailers(block.fields, place)
        _extend(message, place)

    def data(
        self, side: Side, part: bytes, place: Place, missing: int, where: tuple[Locator, Locator]
    ) -> None:
        """Take a part of the content; ``missing`` bytes of it are not in the capture."""
        if self._tunnel:
            self._carry(side, part, place, missing, where)
            return
        message, body = self._message(side), self._bodies[side]
        if message is None or body is None:
            return
        if missing:
            message.body_size += missing
            _note(message, f"{missing} bytes of the body are not in the capture")
            if body.decoder is not None:
                body.decoder.hole(missing)
        message.body_size += len(part)
        if part and isinstance(message, Response) and message.status in _BODILESS:
            self.note(side, "content, which a response with this status cannot have (RFC 9110 section 6.4.1)")
        if side == Side.CLIENT and part and isinstance(message, Request):
            message.body_digest = zlib.crc32(part, message.body_digest or 0)
        body.feed(part, place)
        if self._grpc is not None:
            self._grpc.feed(side, part, place)
        if isinstance(message, Response) and part and message.body_size == message.declared_size:
            message.whole_at = place.last_ns, place.last_packet
        _extend(message, place)

    def _carry(
        self, side: Side, part: bytes, place: Place, missing: int, where: tuple[Locator, Locator]
    ) -> None:
        """Pass on a tunnel's data: RFC 9113 section 8.5, RFC 8441 section 5."""
        items: list[Text | Gap] = [Gap(side, place.start, missing, place.packet)] if missing else []
        if part:
            items.append((part, place.start, place.end))
        if self.websocket is None:
            self._shared.tunnels += [(self.exchange, side, item) for item in items]
        else:
            client, server = (items, []) if side == Side.CLIENT else ([], items)
            self.websocket.feed(client, server, where)

    def note(self, side: Side, defect: str) -> None:
        """Note a defect of a side's message."""
        message = self._message(side)
        if message is not None and defect not in message.defects:
            _note(message, defect)

    def end(self, side: Side, place: Place | None = None) -> None:
        """The side ends the stream."""
        if self.ended[side]:
            return
        self.ended[side] = True
        message = self._message(side)
        if message is None:
            return
        if place is not None:
            _extend(message, place)
            if self.exchange.websocket is not None:
                self.exchange.websocket.ended[side] = StreamEvent(
                    "end_stream", side, place.last_ns, place.last_packet, self.exchange.stream
                )
        message.complete = True
        self._check_length(side, message)
        self._finish(side)

    def reset(self, event: StreamEvent) -> None:
        """A side resets the stream: RST_STREAM; in QUIC RESET_STREAM, STOP_SENDING. The first one counts."""
        if self.exchange.reset is None:
            self.exchange.reset = event

    # --- the end ------------------------------------------------------------------------------------

    def close(self, facts: Connection, where: tuple[Locator, Locator]) -> None:
        """The connection is over."""
        for side in Side:
            self._finish(side)
        if self.websocket is not None:
            self.websocket.close(facts, where)
        self._cancelled = self._is_cancelled()
        self.exchange.connection = facts.id
        self.exchange.outcome = self._outcome(facts)

    def _is_cancelled(self) -> bool:
        """Whether the client reset the stream before the whole response had come.

        A client that has as many bytes as Content-Length announced may do so before END_STREAM comes: curl
        7.88 does, with STREAM_CLOSED.
        """
        response, reset = self.exchange.response, self.exchange.reset
        if reset is None or reset.side == Side.SERVER or _was_whole(response, reset):
            return False
        if response is None or not response.complete:
            return True
        return (response.last_ns, response.last_packet) > (reset.time_ns, reset.packet)

    def _outcome(self, facts: Connection) -> Outcome:
        response, reset = self.exchange.response, self.exchange.reset
        if response is not None and response.complete and not self._cancelled:
            return "complete"
        left = reset or next(iter(facts.closes), None)
        if left is not None and left.side == Side.CLIENT and _was_whole(response, left):
            return "complete"
        if response is not None and response.closing_event_came and self._client_ended(facts):
            return "complete"
        refused = reset is not None and reset.side == Side.SERVER and reset.code == self._shared.refused
        if refused or (self.refused and response is None):
            return "refused"
        begun: Outcome = "unanswered" if response is None else "truncated"
        if reset is not None and reset.side == Side.SERVER:
            return begun
        return self._cut_off(facts, begun)

    def _client_ended(self, facts: Connection) -> bool:
        reset = self.exchange.reset
        return reset.side == Side.CLIENT if reset is not None else facts.closed_by == Side.CLIENT

    def _cut_off(self, facts: Connection, begun: Outcome) -> Outcome:
        """What ended the stream, if the server did not."""
        lost = self.lost[Side.SERVER] or any(u.side in (None, Side.SERVER) for u in facts.undecrypted)
        if lost or not (self._cancelled or (facts.closes and not any(facts.unseen_fins))):
            return "unseen"
        return "aborted" if self._cancelled or facts.closed_by == Side.CLIENT else begun

    def _message(self, side: Side) -> Request | Response | None:
        return self.exchange.request if side == Side.CLIENT else self.exchange.response

    def _check_length(self, side: Side, message: Request | Response) -> None:
        """RFC 9113 section 8.1.1: a content-length that differs from the sum of the data is an error."""
        declared, request = message.declared_size, self.exchange.request
        if declared is None or declared == message.body_size or self.lost[side]:
            return
        if isinstance(message, Response):
            head = request is not None and request.method == "HEAD"
            if not message.body_size and (head or message.status in _BODILESS):
                return
        _note(
            message,
            f"content-length is {declared}, the data has {plurals.count(message.body_size, 'byte')} "
            "(section 8.1.1)",
        )

    def _finish(self, side: Side) -> None:
        """Take the end of one body."""
        message, body = self._message(side), self._bodies[side]
        self._bodies[side] = None
        if message is None or body is None:
            return
        if message.framing == "none" and (message.body_size or not self.ended[side]):
            message.framing = "stream"
        if body.decoder is not None and (message.body_size or not message.complete):
            message.content = body.decoder.finish(complete=message.complete)
        if body.events is not None and isinstance(message, Response):
            message.event_stream = body.events.facts
        message.body = body.kept.take() or message.body


def _was_whole(response: Response | None, left: StreamEvent | CloseEvent) -> bool:
    """Whether all bytes that Content-Length announced had come when the client left."""
    if response is None or response.whole_at is None:
        return False
    return response.whole_at <= (left.time_ns, left.packet)


def close_all(
    calls: list[StreamExchange],
    facts: Connection,
    where: tuple[Locator, Locator],
    complete: Iterable[Exchange] = (),
) -> list[Exchange]:
    """The connection has ended: return the exchanges of its streams in order, with outcomes and times.

    ``complete`` are those that need no more than that.
    """
    for call in calls:
        call.close(facts, where)
    exchanges = [call.exchange for call in calls if _seen(call.exchange)]
    for exchange in complete:
        exchange.connection = facts.id
        exchanges.append(exchange)
    if kernel.compiled is not None:
        ordered: list[Exchange] = kernel.compiled.in_order(exchanges)
        return ordered
    return in_order(exchanges)


def in_order(exchanges: list[Exchange]) -> list[Exchange]:
    """The exchanges by time, numbered: how long each took, and how long the connection was idle before it."""
    exchanges = sorted(exchanges, key=_begins)
    open_until, last = 0, None
    for ordinal, exchange in enumerate(exchanges, 1):
        exchange.ordinal = ordinal
        begins, ends = _begins(exchange)[0], _ends(exchange)
        if last is not None and open_until <= begins and exchange.request is not None:
            exchange.idle_before_ns = begins - open_until
        last = exchange
        open_until = max(open_until, ends)
        if exchange.request is not None and exchange.response is not None:
            exchange.duration_ns = exchange.response.last_ns - exchange.request.time_ns
    return exchanges


_NEVER = (1 << 63) - 1


def _seen(exchange: Exchange) -> bool:
    return bool(exchange.request or exchange.response or exchange.interim)


def _begins(exchange: Exchange) -> tuple[int, int, int]:
    first = exchange.request or exchange.response or exchange.interim[0]
    return first.time_ns, first.packet, exchange.stream or 0


def _ends(exchange: Exchange) -> int:
    """The time of the exchange's last frame; None if its stream stayed open."""
    messages = [m for m in (exchange.request, exchange.response) if m is not None]
    times = [m.last_ns for m in messages]
    if exchange.reset is not None:
        return max([*times, exchange.reset.time_ns])
    over = all(m.complete for m in messages) and exchange.response is not None
    tunnel = exchange.response is not None and exchange.response.framing == "tunnel"
    return max(times) if over and not tunnel else _NEVER


def _extend(message: Request | Response, place: Place) -> None:
    if isinstance(message, Response):
        message.longest_pause_ns = max(message.longest_pause_ns, place.time_ns - message.last_ns)
    message.end = place.end
    message.last_packet, message.last_ns = place.last_packet, place.last_ns


def _note(message: Request | Response, defect: str) -> None:
    if len(message.defects) < MOST_DEFECTS:
        message.defects.append(defect)
