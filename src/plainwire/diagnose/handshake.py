"""Rules of family D: the TLS handshake, and what breaks TLS later."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import beginning, certificates, origin, primitives, resumption, revocation, words
from .catalogue import alerts
from .damage import BAD_RECORD, damaged_records
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainwire.model import Certainty, CloseEvent, Connection, Fault

    from .beginning import Beginning, Segment
    from .verdict import Scene
    from .world import World

_STALL_NS = 3_000_000_000
_GIVEN_UP_NS = 1_000_000_000
_STILL_OPEN_NS = 10_000_000_000
_SMALL_HELLO = 1400
"""A ClientHello of no more bytes than this fits into one segment nearly everywhere."""

_FEWEST_SENDINGS = 3
_MOST_COMPARED = 50
_OF_THE_HANDSHAKE = alerts.ABOUT_CERTIFICATES | {
    "access_denied",
    "certificate_required",
    "decrypt_error",
    "handshake_failure",
    "missing_extension",
    "no_application_protocol",
    "unrecognized_name",
}
"""What a server may find out only when the client has finished its part and sent a request."""


def plaintext_on_tls_port(connection: Connection, world: World) -> Verdict | None:
    """A verdict where the ClientHello was answered in clear text."""
    tls = connection.tls
    begin = beginning.of(connection)
    response = next((e.response for e in connection.exchanges if e.response is not None), None)
    if tls is None or tls.version is not None or begin is None or response is None or not begin.said:
        return None
    hello, first = begin.said[0], next((s for s in begin.answers if s.packet == response.packet), None)
    if first is None or first.seq != 0 or first.time_ns < hello.time_ns:
        return None
    other = next((c for c in world.by_server[connection.server] if c.tls and c.tls.version), None)
    contrast = "" if other is None else f" On connection {other.id} the same address speaks TLS."
    return Verdict(
        code="plaintext-on-tls-port",
        connection=connection,
        exchanges=(),
        fault="unknown" if other is None else "server",
        certainty="proved" if primitives.on_one_host(connection) else "likely",
        facts=f"The client began TLS, and what came back is HTTP in clear text, status "
        f"{response.status}.{contrast}",
        evidence=(
            Evidence(hello.packet, "the client's first bytes: a ClientHello"),
            Evidence(first.packet, f"the answer: HTTP in clear text, status {response.status}"),
        ),
        runner_up="handshake-reset: refuted, an answer came, though not in TLS",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def alert_in_handshake(connection: Connection, world: World) -> Verdict | None:
    """A verdict where a fatal alert is the first act of closing: it names itself."""
    close = connection.closes[0] if connection.closes else None
    begin = beginning.of(connection)
    if close is None or close.kind != "alert" or connection.tls is None or begin is None:
        return None
    verdict = _about_alert(connection, close)
    return certificates.sharper(verdict, connection, close, world)


def late_alert(scene: Scene) -> Verdict | None:
    """A verdict where an alert about the handshake came only when the request had left.

    In TLS 1.3 the client has finished its part, and may send its request, before the server has looked at
    the client's certificate (RFC 8446 section 4.4.2.4).
    """
    connection = scene.connection
    close = connection.closes[0] if connection.closes else None
    if close is None or close.kind != "alert" or scene.exchange.response is not None:
        return None
    if scene.exchange.reset is not None and scene.exchange.reset.time_ns < close.time_ns:
        return None  # that stream had failed before
    name = _name(close)
    answered = any(e.response is not None and e.id != scene.exchange.id for e in connection.exchanges)
    if name == BAD_RECORD or (name in _OF_THE_HANDSHAKE and not answered):
        return _about_alert(connection, close, scene)
    return None


def _name(close: CloseEvent) -> str:
    return close.detail if close.detail.replace("_", "").isalnum() else "other"


def _about_alert(connection: Connection, close: CloseEvent, scene: Scene | None = None) -> Verdict:
    name = _name(close)
    alert = alerts.ALERTS.get(name, alerts.OTHER)
    who = "server" if close.side == Side.SERVER else "client"
    bad_record = name == BAD_RECORD
    fault: Fault = alert.by_server if close.side == Side.SERVER else alert.by_client
    stage = _stage(connection) if scene is None else "when the request had been sent"
    says = _about_record(connection, scene) if bad_record else alert.says
    own = scene.request.packet if scene is not None else None
    return Verdict(
        code="bad-record-mac" if bad_record else alerts.code(name),
        connection=connection,
        exchanges=() if scene is None else (scene.exchange.id,),
        fault=fault,
        certainty=_certainty(connection, close),
        facts=f"The {who} sent the fatal alert {name} {stage}: {says}.{_clear_words(connection, close)}",
        evidence=(
            *((Evidence(own, "the request"),) if own is not None else _hello(connection)),
            Evidence(close.packet, f"{words.act(close)} from the {who}"),
        ),
        runner_up="handshake-reset: refuted, the alert came before any FIN or RST",
        retry_safe=True if scene is None else scene.idempotent,
        time_ns=connection.opened_ns if scene is None else scene.request.time_ns,
    )


def _about_record(connection: Connection, scene: Scene | None) -> str:
    says = "a record did not authenticate"
    if scene is None or connection.undecrypted:
        return says
    return f"{says} there. Here all of them do, so that it was damaged behind the place of capture"


def _stage(connection: Connection) -> str:
    tls = connection.tls
    if tls is None or tls.cipher_suite is None:
        return (
            "in answer to the ClientHello"
            if connection.sizes[Side.SERVER]
            else "before the server said a word"
        )
    if tls.handshake_complete:
        return "after the handshake, before any request"
    return "in the handshake, after the ServerHello"


def _encrypted(connection: Connection, close: CloseEvent) -> bool:
    """Whether the alert could only be read with the keys: then only a holder of them can have sent it."""
    tls = connection.tls
    if tls is None or tls.version is None:
        return False
    return tls.handshake_complete or (
        tls.version == "TLS 1.3"
        and close.seq > 0
        and tls.cipher_suite is not None
        and not connection.undecrypted
        and bool(tls.certificate or tls.resumed)
    )


def _certainty(connection: Connection, close: CloseEvent) -> Certainty:
    return "proved" if _encrypted(connection, close) or primitives.on_one_host(connection) else "likely"


def _clear_words(connection: Connection, close: CloseEvent) -> str:
    if _encrypted(connection, close):
        return ""
    return " It is not encrypted: anybody on the way could have sent it."


def _hello(connection: Connection) -> tuple[Evidence, ...]:
    begin = beginning.of(connection)
    return (Evidence(begin.said[0].packet, "the ClientHello"),) if begin is not None and begin.said else ()


def handshake_reset(connection: Connection, world: World) -> Verdict | None:
    """A verdict where the server's side ended the connection in the handshake, without an alert."""
    begin, close = _unfinished(connection), connection.closes[0] if connection.closes else None
    if begin is None or close is None or close.side != Side.SERVER or close.kind not in ("fin", "rst"):
        return None
    hello_end = _hello_end(begin, connection)
    contrast = _large_hello(connection, hello_end, world)
    if contrast is not None:
        return _large(connection, begin, hello_end, contrast, f"{words.act(close)} from the server")
    fault, certainty, why, marks = _sender(connection, close)
    had = close.ack is not None and close.ack >= hello_end
    return Verdict(
        code="handshake-reset",
        connection=connection,
        exchanges=(),
        fault=fault,
        certainty=certainty,
        facts=f"The connection ended with {words.act(close)} {_stage_words(connection)}, without an alert."
        f"{' It acknowledges the whole ClientHello.' if had else ''} {why}",
        evidence=(
            Evidence(begin.said[0].packet, f"the ClientHello begins, {hello_end} bytes"),
            Evidence(close.packet, f"{words.act(close)} in the server's name, no alert before it"),
            *marks,
        ),
        runner_up=_hello_words(hello_end) or "a fatal alert: refuted, the server sent none",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _unfinished(connection: Connection) -> Beginning | None:
    """How a connection began on which TLS was begun and not finished; None for any other.

    Where the keys are missing, what follows the ServerHello of TLS 1.3 says nothing: it may be application
    data.
    """
    tls = connection.tls
    if tls is None or tls.handshake_complete or not connection.established:
        return None
    if connection.undecrypted or connection.exchanges:
        return None
    begin = beginning.of(connection)
    return begin if begin is not None and begin.said else None


def _hello_end(begin: Beginning, connection: Connection) -> int:
    """Where the client's first flight ends: ahead of any answer and any close."""
    ends = [s.time_ns for s in begin.answers[:1]] + [c.time_ns for c in connection.closes[:1]]
    answer = min(ends, default=None)
    return max(s.end for s in begin.said if answer is None or s.time_ns <= answer or s is begin.said[0])


def _stage_words(connection: Connection) -> str:
    tls = connection.tls
    if tls is not None and tls.cipher_suite is not None:
        return "in the middle of the handshake, after the ServerHello"
    return "after the ClientHello, before a word from the server"


def _sender(connection: Connection, close: CloseEvent) -> tuple[Fault, Certainty, str, tuple[Evidence, ...]]:
    if close.kind == "rst":
        source = origin.of_reset(connection, close)
        return source.fault, source.certainty, source.says, source.evidence
    if primitives.on_one_host(connection):
        return "server", "proved", "Both ends are on this host.", ()
    return "server", "likely", "The FIN is bare TCP: something on the way could have sent it.", ()


def handshake_stall(connection: Connection, world: World) -> Verdict | None:
    """A verdict where the handshake stopped, and who had the last word shows who kept the other waiting."""
    begin = _unfinished(connection)
    if begin is None or (connection.closes and connection.closes[0].side == Side.SERVER):
        return None
    hello_end = _hello_end(begin, connection)
    end = connection.closes[0].time_ns if connection.closes else world.ended_ns
    patience = _GIVEN_UP_NS if connection.closes else _STILL_OPEN_NS
    lost = [s for s in begin.said if s.end > begin.acknowledged >= s.seq]
    if lost and not begin.answers:
        return _never_arrived(connection, begin, lost, world)
    last = max((*begin.said, *begin.answers), key=lambda s: (s.time_ns, s.packet))
    quiet = end - last.time_ns
    said = max(s.end for s in begin.said)
    if last.side == Side.SERVER or quiet < patience or begin.acknowledged < said:
        return None
    contrast = None if begin.answers else _large_hello(connection, hello_end, world)
    if contrast is not None:
        return _large(connection, begin, hello_end, contrast, f"no answer for {words.span(quiet)}")
    known = begin.acknowledges(said)
    return Verdict(
        code="handshake-stall",
        connection=connection,
        exchanges=(),
        fault="server",
        certainty="likely",
        facts=f"The server had acknowledged all that the client sent ({said} bytes) and said nothing "
        f"more for "
        f"{words.span(quiet)}, {_stage_words(connection)}.{_end_words(connection)}",
        evidence=(
            Evidence(begin.said[0].packet, "the ClientHello begins"),
            *((Evidence(known.packet, f"the server acknowledges {said} bytes"),) if known else ()),
            *(Evidence(c.packet, f"{words.act(c)} from the client") for c in connection.closes[:1]),
        ),
        runner_up="retransmission-loss: refuted, the server acknowledged everything",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _end_words(connection: Connection) -> str:
    return " Then the client gave up." if connection.closes else ""


def _never_arrived(
    connection: Connection, begin: Beginning, lost: list[Segment], world: World
) -> Verdict | None:
    """The ClientHello itself was not acknowledged, however often it was sent."""
    if len(lost) < _FEWEST_SENDINGS:
        return None
    hello_end = _hello_end(begin, connection)
    contrast = _large_hello(connection, hello_end, world)
    if contrast is not None:
        return _large(connection, begin, hello_end, contrast, f"{len(lost)} sendings, none acknowledged")
    took = words.span(lost[-1].time_ns - lost[0].time_ns)
    return Verdict(
        code="retransmission-loss",
        connection=connection,
        exchanges=(),
        fault="path",
        certainty="likely",
        facts=f"The connection was accepted, but the ClientHello was sent {len(lost)} times in {took} "
        f"and never "
        "acknowledged.",
        evidence=tuple(
            Evidence(s.packet, f"the ClientHello, sending {count}, not acknowledged")
            for count, s in enumerate(lost[:5], 1)
        ),
        runner_up=_hello_words(hello_end) or "handshake-stall: refuted, the server acknowledged nothing",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _large_hello(connection: Connection, size: int, world: World) -> tuple[Connection, int] | None:
    """A connection to the same server whose smaller hello was answered, where no large one ever was."""
    if size <= _SMALL_HELLO:
        return None
    answered: tuple[Connection, int] | None = None
    for other in islice(world.by_server.get(connection.server, ()), _MOST_COMPARED):
        begin = beginning.of(other)
        if other.tls is None or other.tls.cipher_suite is None or begin is None or not begin.said:
            continue
        theirs = _hello_end(begin, other)
        if theirs > _SMALL_HELLO:
            return None
        answered = other, theirs
    return answered


def _large(
    connection: Connection, begin: Beginning, size: int, contrast: tuple[Connection, int], what: str
) -> Verdict:
    other, smaller = contrast
    closes = [c for c in connection.closes if c.side == Side.SERVER][:1]
    pieces = [s for s in begin.said if s.seq < size][:3]
    return Verdict(
        code="large-clienthello-drop",
        connection=connection,
        exchanges=(),
        fault="server",
        certainty="likely",
        facts=f"A ClientHello of {size} bytes met with {what}; one of {smaller} bytes was answered on "
        f"connection "
        f"{other.id}, and no large one was anywhere to this address.",
        evidence=(
            *(Evidence(s.packet, f"part of the ClientHello, {s.length} bytes") for s in pieces),
            *(Evidence(c.packet, f"{words.act(c)} from the server") for c in closes),
            Evidence(
                other.first_packet, f"connection {other.id} begins, whose ClientHello has {smaller} bytes"
            ),
        ),
        runner_up="handshake-reset for another reason: every small ClientHello was answered, and no "
        "large one",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _hello_words(size: int) -> str:
    if size <= _SMALL_HELLO:
        return ""
    return f"large-clienthello-drop: possible, it has {size} bytes; no smaller one is there to compare"


CONNECTION_RULES: tuple[Callable[[Connection, World], Verdict | None], ...] = (
    plaintext_on_tls_port,
    alert_in_handshake,
    handshake_reset,
    handshake_stall,
)
"""For connections that came to no request, in the order in which they are tried."""

FAILED_RULES: tuple[Callable[[Scene], Verdict | None], ...] = (late_alert,)
"""For exchanges that failed."""

WHOLE_RULES: tuple[Callable[[World, Sequence[Verdict]], list[Verdict]], ...] = (
    *resumption.WHOLE_RULES,
    revocation.ocsp_or_crl_delay,
    damaged_records,
)
"""For what shows only in many exchanges: each gets all connections and the verdicts so far."""
