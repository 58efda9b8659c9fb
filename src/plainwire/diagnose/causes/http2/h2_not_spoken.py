"""Rule h2-not-spoken: the client began HTTP/2, and the server never did.

RFC 9113 section 3.4: each side begins with a SETTINGS frame, and need not wait for the other's. A server that
sends none speaks something else (HTTP/1, TLS, a database's protocol), is a program that took the connection
and does not work on it, or left at once. gRPC clients wait for these SETTINGS before they send a call, so
that there is no request either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Quoted, Side

if TYPE_CHECKING:
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Connection, Fault, StreamEvent

_PATIENCE_NS = 1_000_000_000
"""So long a client that wants an answer waits, and no health check does (chosen)."""

_CANNOT_READ_NS = 500_000_000
"""Who closes so soon behind the client's first bytes could not make anything of them (chosen)."""


class _Said(NamedTuple):
    """What one way of not beginning comes to."""

    code: str
    fault: Fault
    grounds: Grounds
    facts: str
    evidence: Evidence
    quotes: tuple[Quoted, ...] = ()
    runner_up: str = ""


def h2_not_spoken(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict on a connection without a request."""
    return _verdict(connection, traffic, ()) or _not_agreed(connection)


def h2_not_spoken_to_request(failed: FailedExchange) -> Verdict | None:
    """A verdict on requests that a client sent without waiting."""
    if failed.exchange.protocol != "h2" or failed.exchange.response is not None:
        return None
    return _verdict(failed.connection, failed.traffic, (failed.exchange.id,))


def _verdict(connection: Connection, traffic: Traffic, exchanges: tuple[int, ...]) -> Verdict | None:
    if any(e.side is Side.SERVER and e.kind != "no_frames" for e in connection.events):
        return None  # nearly always, and told by the first events
    first = next((e for e in traffic.events(connection, "settings") if e.side is Side.CLIENT), None)
    begin = None if first is None or connection.undecrypted else opening.of(connection)
    if begin is None or first is None:
        return None
    stray = next(iter(traffic.events(connection, "no_frames")), None)
    said = _instead(connection, stray) if stray is not None else _closed(connection, traffic, first)
    said = said or _silent(connection, begin, first)
    if said is None:
        return None
    return Verdict(
        code=said.code,
        connection=connection,
        exchanges=exchanges,
        fault=said.fault,
        grounds=said.grounds,
        facts=said.facts,
        evidence=(Evidence(first.packet, "the client's SETTINGS, its first frame of HTTP/2"), said.evidence),
        quotes=said.quotes,
        runner_up=said.runner_up,
        retry_safe=True,
        time_ns=first.time_ns,
    )


def _not_agreed(connection: Connection) -> Verdict | None:
    """The client offered nothing but HTTP/2, the server chose no protocol, and the client left (ALPN)."""
    tls, begin = connection.tls, opening.of_handshake(connection)
    close = next(iter(connection.closes), None)
    if tls is None or begin is None or close is None or close.side is not Side.CLIENT or not begin.answers:
        return None
    asked = tls.handshake_complete and tls.alpn_offered == ["h2"] and tls.alpn is None
    if not asked or tls.talked[Side.CLIENT] or connection.undecrypted:
        return None
    return Verdict(
        code="h2-not-spoken",
        connection=connection,
        exchanges=(),
        fault="server",
        grounds=(Ground.SAID, Ground.INFERENCE),
        facts="The client offered HTTP/2 and nothing else in the TLS handshake (ALPN), the server chose no "
        f"protocol, and the client ended the connection ({wording.act(close)}) without a request.",
        evidence=(
            Evidence(begin.client_data[0].packet, "the ClientHello, which offers h2 alone"),
            Evidence(begin.answers[-1].packet, "the server's flight, without a choice"),
            Evidence(close.packet, f"{wording.act(close)} from the client"),
        ),
        runner_up="a certificate that the client refused: possible, if it left as well where h2 is chosen",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _instead(connection: Connection, stray: StreamEvent) -> _Said:
    """What came is no frame."""
    agreed = connection.tls is not None and connection.tls.alpn == "h2"
    http1 = stray.said.startswith("HTTP/1")
    what = "a response of HTTP/1" if http1 else "no frame of HTTP/2"
    why = (
        "In the TLS handshake the server had chosen HTTP/2 (ALPN)."
        if agreed
        else "Nothing had told the client that this port speaks HTTP/2 in clear text."
        if connection.tls is None
        else "The server had chosen no protocol in the TLS handshake (ALPN)."
    )
    return _Said(
        "h2-not-spoken",
        "server" if agreed else "client",
        (Ground.SAID,) if agreed else (Ground.SAID, Ground.INFERENCE),
        f"The client began HTTP/2, and the first bytes that came back are {what}. {why}",
        Evidence(stray.packet, f"the server's first bytes: {what}"),
        (Quoted(stray.packet, "the server's first bytes", stray.said),),
    )


def _closed(connection: Connection, traffic: Traffic, first: StreamEvent) -> _Said | None:
    """The server left without a word."""
    close = next(iter(connection.closes), None)
    if close is None or close.side is not Side.SERVER or close.kind == "alert":
        return None
    tls = connection.tls
    left = f"ended the connection ({wording.act(close)})"
    after = wording.span(max(0, close.time_ns - first.time_ns))
    cited = Evidence(close.packet, f"{wording.act(close)} from the server")
    if tls is not None and tls.certificate_withheld:
        return _Said(
            "client-certificate-rejected",
            "client",
            (Ground.INFERENCE,),
            f"The server had asked for a client certificate in the handshake, the client sent none, and the "
            f"server {left} {after} after the client's first frame, without an alert and without a frame.",
            cited,
            runner_up="a server that broke down just then: possible, if it asks without requiring one",
        )
    if tls is None and close.time_ns - first.time_ns <= _CANNOT_READ_NS:
        return _in_clear_text(connection, traffic, left, after, cited)
    return _Said(
        "h2-not-spoken",
        "server",
        (Ground.INFERENCE,),
        f"The client began HTTP/2, and the server {left} {after} later, without SETTINGS and without GOAWAY.",
        cited,
        runner_up="a load balancer that has no server behind it: looks the same",
    )


def _in_clear_text(connection: Connection, traffic: Traffic, left: str, after: str, cited: Evidence) -> _Said:
    """Who closes at once on a preface may speak TLS, or HTTP/1."""
    other = traffic.speaks_tls.get(connection.server)
    facts = f"The client began HTTP/2 in clear text, and the server {left} {after} later, without a frame."
    if other is not None:
        return _Said(
            "clear-text-to-tls-port",
            "client",
            (Ground.INFERENCE,),
            f"{facts} On connection {other.id} the same port speaks TLS.",
            cited,
        )
    return _Said(
        "h2-not-spoken",
        "unknown",
        (Ground.INFERENCE,),
        f"{facts} So does a server of TLS, or of HTTP/1, that can make nothing of the first bytes.",
        cited,
        runner_up="a port that speaks TLS (clear-text-to-tls-port): looks the same",
    )


def _silent(connection: Connection, begin: opening.Opening, first: StreamEvent) -> _Said | None:
    """The server had the client's bytes, and sent none of its own."""
    close = next(iter(connection.closes), None)
    if close is None or close.side is not Side.CLIENT:
        return None
    waited = close.time_ns - first.time_ns
    taken = next((s for s in begin.server if s.time_ns > first.time_ns and not s.length), None)
    if waited < _PATIENCE_NS or taken is None or _sent_after(begin, first, close):
        return None
    return _Said(
        "h2-not-spoken",
        "server",
        (Ground.INFERENCE,),
        f"The client began HTTP/2, the server's TCP acknowledged that, and nothing came for "
        f"{wording.span(waited)}: not even the SETTINGS with which a server has to begin. Then the client "
        f"gave up ({wording.act(close)}).",
        Evidence(close.packet, f"{wording.act(close)} from the client"),
        runner_up="packets that were lost on the way: refuted, the server acknowledged what it was sent",
    )


def _sent_after(begin: opening.Opening, first: StreamEvent, close: CloseEvent) -> bool:
    """Whether the server sent data of more than its tickets of TLS behind the client's first frame."""
    at_once = first.time_ns + _CANNOT_READ_NS
    return any(at_once < s.time_ns < close.time_ns for s in begin.answers)
