"""The rules for HTTP/2 and HTTP/3, where exchanges share a connection and answers come in any order.

Most of what ends a stream is said within the encryption: RST_STREAM, GOAWAY, CONNECTION_CLOSE. Only a
holder of the keys can have said it, so that such a verdict is proved. What a close of TCP means for an open
stream is weighed as far as its acknowledgment tells. None of the rules for HTTP/1 is asked, but those about
the capture and about resets that something on the path forged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import primitives, words
from .abort import PATIENCE_NS
from .injected import middlebox_injected_reset
from .stalled import (
    h2_dead_connection,
    h2_flow_control_stall,
    h2_malformed_response,
    quic_idle_timeout_reuse,
    quic_nat_rebinding,
)
from .stream_scene import stage, stream_name, stream_verdict
from .unexplained import unexplained
from .visibility import capture_artifact

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.model import CloseEvent, Exchange, Fault, StreamEvent

    from .verdict import Scene, Verdict

_OWN_FAILURES = frozenset(
    ("NO_ERROR", "INTERNAL_ERROR", "CANCEL", "CONNECT_ERROR", "SETTINGS_TIMEOUT",
     "H3_NO_ERROR", "H3_INTERNAL_ERROR", "H3_REQUEST_CANCELLED", "H3_CONNECT_ERROR")
)  # fmt: skip
"""Codes by which a sender speaks of itself; any other one accuses its peer."""

_OF_ERRORS = {"COMPRESSION_ERROR": "h2-header-compression-desync", "SETTINGS_TIMEOUT": "h2-settings-timeout"}
"""Codes with which a GOAWAY names its cause."""

_OF_COMPRESSION = "RFC 7541"
"""Stands in every defect of a header block's coding."""

_H3_REFUSED = "h3-goaway-or-rejected"
_HARMLESS = frozenset(("NO_ERROR", "H3_NO_ERROR"))
_CHANGES_OF_MIND = frozenset(("CANCEL", "NO_ERROR", "H3_REQUEST_CANCELLED", "H3_NO_ERROR"))


def shares_connection(exchange: Exchange) -> bool:
    """Whether these rules, and not those of HTTP/1, are for the exchange."""
    return exchange.protocol != "http/1.1"


def judge(scene: Scene) -> Verdict | None:
    """The first verdict that holds."""
    exchange, connection = scene.exchange, scene.connection
    if exchange.pushed:
        return None
    if exchange.outcome == "complete":
        return h2_malformed_response(scene)
    if exchange.outcome == "unseen":
        over = connection.closes or connection.gaps or connection.undecrypted
        return capture_artifact(scene) if over else h2_dead_connection(scene)
    return next(verdict for rule in _RULES if (verdict := rule(scene)) is not None)


# --- what is said of the stream itself --------------------------------------------------------------


def _stream_refused(scene: Scene) -> Verdict | None:
    """RFC 9113 section 8.7, RFC 9114 section 4.1.1."""
    reset = scene.exchange.reset
    if scene.exchange.outcome != "refused" or reset is None or reset.side != Side.SERVER:
        return None
    return stream_verdict(
        scene,
        _H3_REFUSED if scene.exchange.protocol == "h3" else "h2-stream-refused",
        "server",
        "proved",
        f"The server reset {stream_name(scene)} with {reset.name}, {stage(scene, reset.time_ns)}. "
        f"{_others_open(scene)} streams of the connection were open at that moment.",
        Evidence(reset.packet, f"{_frame(reset)} from the server"),
        retry_safe=True,
        runner_up="a failure while the request was processed: refuted, the code says that it was not",
    )


def _others_open(scene: Scene) -> int:
    """How many other streams were open when the request came."""
    at = scene.request.time_ns
    return sum(
        1
        for other in scene.connection.exchanges
        if other is not scene.exchange
        and other.request is not None
        and other.request.time_ns <= at
        and (other.response is None or not other.response.complete or other.response.last_ns > at)
    )


def _goaway_race(scene: Scene) -> Verdict | None:
    """RFC 9113 section 6.8, RFC 9114 section 5.2."""
    if scene.exchange.outcome != "refused":
        return None
    goaway = next((e for e in _goaways(scene) if _beyond(scene, e)), None)
    if goaway is None:
        return None
    apart = words.span(abs(goaway.time_ns - scene.request.time_ns))
    order = "before" if scene.request.time_ns < goaway.time_ns else "after"
    return stream_verdict(
        scene,
        _H3_REFUSED if scene.exchange.protocol == "h3" else "goaway-race",
        "both",
        "proved",
        f"The request passed {apart} {order} the server's GOAWAY{_code(goaway)}, which says that of the "
        f"client's streams {_limit(scene, goaway)}; this one is {scene.exchange.stream}.",
        Evidence(goaway.packet, f"GOAWAY{_code(goaway)} from the server, {_limit(scene, goaway)}"),
        retry_safe=True,
        runner_up="a server that lost the request: refuted, it said which streams it would not work on",
    )


def _goaways(scene: Scene) -> list[StreamEvent]:
    return [e for e in scene.connection.events if e.kind == "goaway" and e.side == Side.SERVER]


def _beyond(scene: Scene, goaway: StreamEvent) -> bool:
    """Whether the GOAWAY leaves the stream out. HTTP/2 names the last one in, HTTP/3 the first one out."""
    stream, limit = scene.exchange.stream, goaway.last_stream
    if stream is None or limit is None:
        return False
    return stream >= limit if scene.exchange.protocol == "h3" else stream > limit


def _limit(scene: Scene, goaway: StreamEvent) -> str:
    if scene.exchange.protocol == "h3":
        return f"those from {goaway.last_stream} on are not worked on"
    return f"{goaway.last_stream} is the last that is worked on"


def _code(event: StreamEvent) -> str:
    return f" ({event.name})" if event.name else ""


def _frame(event: StreamEvent) -> str:
    return f"{event.kind.upper()}{_code(event)}"


def _stream_reset(scene: Scene) -> Verdict | None:
    """The server gave the stream up."""
    reset, exchange = scene.exchange.reset, scene.exchange
    if reset is None or reset.side != Side.SERVER:
        return None
    accuses = reset.name not in _OWN_FAILURES
    says = " The code accuses the client." if accuses else ""
    if accuses and scene.request.defects:
        says += " Its request does break the rules of HTTP."
    fault: Fault = "server" if not accuses else "client" if scene.request.defects else "unknown"
    last = scene.request.last_packet if exchange.response is None else exchange.response.last_packet
    return stream_verdict(
        scene,
        "h2-stream-reset",
        fault,
        "proved",
        f"The server reset {stream_name(scene)} with {reset.name}, {stage(scene, reset.time_ns)}.{says}",
        Evidence(last, "the last that was seen of the exchange before"),
        Evidence(reset.packet, f"{_frame(reset)} from the server"),
        retry_safe=scene.idempotent,
        runner_up="a client that gave up: refuted, the server's frame came first",
    )


def _stream_cancelled(scene: Scene) -> Verdict | None:
    """The client gave the stream up."""
    reset, response = scene.exchange.reset, scene.exchange.response
    if scene.exchange.outcome != "aborted" or reset is None or reset.side != Side.CLIENT:
        return None
    quiet = reset.time_ns - max(scene.request.last_ns, response.last_ns if response else 0)
    says, fault = "", "client" if quiet < PATIENCE_NS else "unknown"
    if reset.name not in _CHANGES_OF_MIND:
        broken = response is not None and bool(response.defects)
        fault = "server" if broken else "unknown"
        says = " The code accuses the server."
        says += " Its response does break the rules of HTTP." if broken else ""
    return stream_verdict(
        scene,
        "client-abort",
        "server" if fault == "server" else "client" if fault == "client" else "unknown",
        "proved",
        f"The client gave {stream_name(scene)} up with {reset.name}, {stage(scene, reset.time_ns)}.{says}",
        Evidence(reset.packet, f"{_frame(reset)} from the client"),
        retry_safe=scene.idempotent,
        runner_up="a reset by the server: refuted, the client's frame came first",
    )


# --- what ended the connection ----------------------------------------------------------------------


def _first_close(scene: Scene) -> CloseEvent | None:
    """The first act of closing, if it came after the request had begun."""
    closes = [primitives.first_close(scene.connection, side) for side in Side]
    known = [close for close in closes if close is not None]
    return min(known, key=lambda c: (c.time_ns, c.packet), default=None)


def _goaway_error(scene: Scene) -> Verdict | None:
    """The server ended the connection with an error: whatever either side closed afterwards follows."""
    event = next((e for e in _goaways(scene) if e.name not in ("", *_HARMLESS)), None)
    ends = [e.time_ns for e in (scene.exchange.reset, _first_close(scene)) if e is not None]
    if event is None or (ends and event.time_ns > min(ends)):
        return None
    return stream_verdict(
        scene,
        _OF_ERRORS.get(event.name, "goaway-error"),
        "unknown",
        "proved",
        f"The server ended the connection with GOAWAY{_code(event)}, {stage(scene, event.time_ns)}: "
        f"{_limit(scene, event)}, and this is stream {scene.exchange.stream}.{_checked(scene, event)}",
        Evidence(event.packet, f"GOAWAY{_code(event)} from the server, {_limit(scene, event)}"),
        retry_safe=True if _beyond(scene, event) else scene.idempotent,
        runner_up="a client that gave up: refuted, the server's GOAWAY came first",
    )


def _checked(scene: Scene, goaway: StreamEvent) -> str:
    """What can be said here of the accusation that header blocks cannot be decoded (RFC 9113 section 4.3)."""
    if goaway.name != "COMPRESSION_ERROR" or scene.connection.mid_stream or scene.connection.gaps:
        return ""
    requests = [e.request for e in scene.connection.exchanges if e.request is not None]
    wrong = next((r for r in requests if any(_OF_COMPRESSION in defect for defect in r.defects)), None)
    if wrong is None:
        return f" The header blocks of the client's {len(requests)} requests do decode here."
    return f" The header block of the request in packet {wrong.packet} does not decode here either."


def _goaway_not_answered(scene: Scene) -> Verdict | None:
    """The server had promised to work on the stream, and closed without an answer."""
    close = _first_close(scene)
    goaway = _goaways(scene)[-1:]
    if close is None or close.side != Side.SERVER or not goaway or _beyond(scene, goaway[0]):
        return None
    event = goaway[0]
    return stream_verdict(
        scene,
        "goaway-accepted-not-answered",
        "server",
        "proved",
        f"The server announced the end with GOAWAY{_code(event)}: {_limit(scene, event)}, and this is stream "
        f"{scene.exchange.stream}. It then closed ({words.act(close)}) {stage(scene, close.time_ns)}.",
        Evidence(event.packet, f"GOAWAY{_code(event)} from the server, {_limit(scene, event)}"),
        Evidence(close.packet, f"{words.act(close)} from the server"),
        retry_safe=scene.idempotent,
        runner_up="a request that the server did not work on: refuted, its GOAWAY counts it in",
    )


def _quic_close(scene: Scene) -> Verdict | None:
    """RFC 9000 section 10: the server's CONNECTION_CLOSE or stateless reset."""
    close = _first_close(scene)
    if (
        close is None
        or close.side != Side.SERVER
        or close.kind not in ("connection_close", "stateless_reset")
    ):
        return None
    if close.kind == "stateless_reset":
        return stream_verdict(
            scene,
            "quic-stateless-reset",
            "server",
            "proved",
            f"The server's stateless reset came {stage(scene, close.time_ns)}: it no longer knew the "
            "connection.",
            Evidence(close.packet, "a stateless reset, with the token that the server had given"),
            retry_safe=scene.idempotent,
        )
    event = next(
        (e for e in scene.connection.events if e.packet == close.packet and e.kind == close.kind), None
    )
    name = "" if event is None else event.name
    own = name in _OWN_FAILURES or not name
    return stream_verdict(
        scene,
        "quic-connection-close",
        "server" if own else "unknown",
        "proved",
        f"The server closed the QUIC connection{f' with {name}' if name else ''}, "
        f"{stage(scene, close.time_ns)}.{'' if own else ' The code accuses the client.'}",
        Evidence(close.packet, f"CONNECTION_CLOSE{f' ({name})' if name else ''} from the server"),
        retry_safe=scene.idempotent,
    )


def _closed_without_goaway(scene: Scene) -> Verdict | None:
    """RFC 9113 section 6.8: a server should say which streams it has worked on before it closes."""
    close = _first_close(scene)
    if close is None or close.side != Side.SERVER or _goaways(scene):
        return None
    had = close.ack is None or close.ack > scene.request.start
    known = close.ack is not None
    if not had:
        says = " It had received nothing of the request: request and close crossed."
    elif known and close.ack is not None and close.ack >= scene.request.end:
        says = " It had received all of the request that was seen."
    else:
        says = ""
    return stream_verdict(
        scene,
        "h2-close-without-goaway",
        "server" if had else "both",
        "proved" if close.kind in ("close_notify", "alert") else "likely",
        f"The connection ended with {words.act(close)} from the server's side, "
        f"{stage(scene, close.time_ns)}. No GOAWAY had said which streams it would still work on.{says}",
        Evidence(close.packet, f"{words.act(close)} from the server"),
        retry_safe=True if not had else scene.idempotent,
        runner_up="a stream that the server reset: refuted, no such frame is in the capture",
    )


def _client_left(scene: Scene) -> Verdict | None:
    """The client closed the connection while the stream was open."""
    close = _first_close(scene)
    if close is None or close.side != Side.CLIENT:
        return None
    response = scene.exchange.response
    quiet = close.time_ns - max(scene.request.last_ns, response.last_ns if response else 0)
    promises = [e for e in _goaways(scene) if e.time_ns <= close.time_ns and not _beyond(scene, e)]
    promised = (
        " The server's GOAWAY had announced the end, but counted this stream among those that it would "
        f"still answer: {_limit(scene, promises[-1])}."
        if promises
        else ""
    )
    return stream_verdict(
        scene,
        "client-abort",
        "client" if quiet < PATIENCE_NS else "unknown",
        "likely" if primitives.is_reactive(close) else "proved",
        f"The client's side ended the connection ({words.act(close)}) {stage(scene, close.time_ns)}, "
        f"before any close from the server.{promised}",
        *(Evidence(e.packet, f"GOAWAY{_code(e)} from the server, {_limit(scene, e)}") for e in promises[-1:]),
        Evidence(close.packet, f"{words.act(close)} from the client"),
        retry_safe=scene.idempotent,
        runner_up="a close by the server: refuted, none came before",
    )


_RULES: tuple[Callable[[Scene], Verdict | None], ...] = (
    _stream_refused,
    _goaway_error,
    _goaway_race,
    h2_malformed_response,
    h2_flow_control_stall,
    h2_dead_connection,
    quic_idle_timeout_reuse,
    quic_nat_rebinding,
    _stream_reset,
    _stream_cancelled,
    capture_artifact,
    _goaway_not_answered,
    _quic_close,
    middlebox_injected_reset,
    _closed_without_goaway,
    _client_left,
    unexplained,
)
