"""Rule handshake-stall: the server took the ClientHello and said nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.client_hello import end_of_hello
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .hello import hello_words, stage_words, unfinished
from .large_clienthello_drop import large_clienthello_drop, large_hello

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening, Segment
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_CLIENT_LEFT_NS = 1_000_000_000
"""A client that left after less than a second did not wait for the server."""

_STILL_OPEN_NS = 10_000_000_000
"""Where the capture ends before anybody gave up, the silence must have been this long (chosen)."""

_FEWEST_HELLOS = 3
"""Transmissions of the ClientHello: the first, and two that timers made (RFC 6298 section 5)."""

_REST_LOST = "retransmission-loss: possible, if all that came behind it was lost on the way"

_CHANGE_CIPHER_SPEC = 6
"""Bytes of a record that ends no turn: the client's Finished comes behind it (RFC 8446 section D.4)."""


def handshake_stall(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where the handshake stopped: who sent last shows who kept the other waiting."""
    begin = unfinished(connection)
    if begin is None or (connection.closes and connection.closes[0].side == Side.SERVER):
        return None
    hello_end = end_of_hello(begin, connection)
    end = connection.closes[0].time_ns if connection.closes else traffic.ended_ns
    patience = _CLIENT_LEFT_NS if connection.closes else _STILL_OPEN_NS
    lost = [s for s in begin.client_data if s.end > begin.acknowledged >= s.seq]
    if lost and not begin.answers:
        return _never_arrived(connection, begin, lost, traffic)
    said = max(s.end for s in begin.client_data)
    cut = _broke_off(connection, begin)
    turns = (*(s for s in begin.client_data if not (cut and _ends_no_turn(s))), *begin.answers)
    last = max(turns, key=lambda s: (s.time_ns, s.packet))
    quiet = end - last.time_ns
    if (last.side == Side.SERVER and not cut) or quiet < patience or begin.acknowledged < said:
        return None
    if last.side == Side.CLIENT and _ends_no_turn(last):
        return None  # it was the client that stopped
    contrast = None if begin.answers else large_hello(connection, hello_end, traffic)
    if contrast is not None:
        return large_clienthello_drop(
            connection, begin, hello_end, contrast, f"no answer for {wording.span(quiet)}"
        )
    known = begin.acknowledges(said)
    return Verdict(
        code="handshake-stall",
        connection=connection,
        exchanges=(),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"The server had acknowledged all that the client sent ({said} bytes) and said nothing more "
        f"for {wording.span(quiet)}, {stage_words(connection)}{cut}.{_end_words(connection)}",
        evidence=(
            Evidence(begin.client_data[0].packet, "the ClientHello begins"),
            *((Evidence(known.packet, f"the server acknowledges {said} bytes"),) if known else ()),
            *((Evidence(last.packet, "the last of the server's flight, which is not whole"),) if cut else ()),
            *(Evidence(c.packet, f"{wording.act(c)} from the client") for c in connection.closes[:1]),
        ),
        runner_up=(hello_words(hello_end) if not begin.answers else _REST_LOST if cut else "")
        or "retransmission-loss: refuted, the server acknowledged everything",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _ends_no_turn(segment: Segment) -> bool:
    return bool(segment.seq) and segment.length == _CHANGE_CIPHER_SPEC


def _broke_off(connection: Connection, begin: Opening) -> str:
    """Words for a flight of the server's that came in part; "" where there is none, or it is whole."""
    tls = opening.handshake_session(connection)
    if tls is None or tls.cipher_suite is None or tls.flight_whole or not begin.answers:
        return ""
    size = max(s.end for s in begin.answers) - min(s.seq for s in begin.answers)
    return f": its flight broke off after {plurals.count(size, 'byte')}"


def _end_words(connection: Connection) -> str:
    return " Then the client gave up." if connection.closes else ""


def _never_arrived(
    connection: Connection, begin: Opening, lost: list[Segment], traffic: Traffic
) -> Verdict | None:
    """The ClientHello itself was not acknowledged, however often it was sent."""
    if len(lost) < _FEWEST_HELLOS:
        return None
    hello_end = end_of_hello(begin, connection)
    contrast = large_hello(connection, hello_end, traffic)
    if contrast is not None:
        return large_clienthello_drop(
            connection, begin, hello_end, contrast, f"sent {plurals.times(len(lost))}, never acknowledged"
        )
    took = wording.span(lost[-1].time_ns - lost[0].time_ns)
    return Verdict(
        code="retransmission-loss",
        connection=connection,
        exchanges=(),
        fault="path",
        grounds=(Ground.INFERENCE,),
        facts=f"The connection was accepted, but the ClientHello was sent {len(lost)} times in {took} and "
        "never acknowledged.",
        evidence=tuple(
            Evidence(s.packet, f"the ClientHello, transmission {count}, not acknowledged")
            for count, s in enumerate(lost[:5], 1)
        ),
        runner_up=hello_words(hello_end) or "handshake-stall: refuted, the server acknowledged nothing",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )
