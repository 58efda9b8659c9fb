"""Whatever the facts of a connection are, the rules answer and the answer keeps its promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from plainwire.diagnose import CAUSES, diagnose
from plainwire.diagnose.evidence.as_the_client_saw import as_the_client_saw
from plainwire.model import (
    ACK,
    CWR,
    ECE,
    RST,
    SYN,
    Afterwards,
    Connection,
    Gap,
    Outcome,
    Reused,
    Side,
    Syn,
    SynOptions,
    Undecrypted,
)
from tests.diagnose.wire import EPOCH_NS, MS, Wire

if TYPE_CHECKING:
    from plainwire.model import AfterwardsKind, CloseKind, Framing

OUTCOMES: tuple[Outcome, ...] = ("complete", "unanswered", "truncated", "refused", "aborted", "unseen")
FRAMINGS: tuple[Framing, ...] = ("content-length", "chunked", "close", "unknown")
OF_ANSWERS = {
    "response-desync",
    "connection-close-ignored",
    "unsolicited-408",
    "hidden-retry",
    "unsafe-retry-duplicate",
    "early-response-reset",
    "truncated-eof-delimited",
    "request-body-timeout",
    "client-bug-request",
    "gateway-upstream-race",
    "proxy-connect-failure",
    "renegotiation-or-postauth-stall",
    "window-scale-stripped",
}
"""Codes of findings that may be about exchanges which are complete."""
KINDS: tuple[CloseKind, ...] = ("close_notify", "alert", "fin", "rst")
OFFSETS = st.one_of(st.none(), st.integers(-1, 2000), st.integers(0, 1 << 40))
SIDES = st.sampled_from(list(Side))
AFTERWARDS: tuple[AfterwardsKind, ...] = (
    "hello_request",
    "client_hello",
    "no_renegotiation",
    "certificate_request",
    "certificate",
    "empty_certificate",
)


def _message(draw: st.DrawFn, wire: Wire, at: float) -> None:
    if draw(st.integers(0, 5)) == 0:
        wire.unasked(at, draw(st.sampled_from([200, 400, 408, 503])))
        return
    method = draw(st.sampled_from(["GET", "POST", "\x1b]0;x"]))
    wire.ask(at, draw(st.sampled_from(["/", "/a"])), method=method, complete=draw(st.booleans()))
    if draw(st.booleans()):
        framing = draw(st.sampled_from(FRAMINGS))
        status = draw(st.sampled_from([200, 408, 400, 403]))
        complete, close = draw(st.booleans()), draw(st.booleans())
        wire.answer(
            at + draw(st.floats(0, 200)), status=status, framing=framing, complete=complete, close=close
        )
    wire.exchanges[-1].outcome = draw(st.sampled_from(OUTCOMES))


def _of_tls(draw: st.DrawFn, connection: Connection) -> None:
    tls = connection.tls
    assert tls is not None
    for _ in range(draw(st.integers(0, 2))):
        time_ns = EPOCH_NS + draw(st.integers(-10, 5000)) * MS
        start, packet = draw(st.integers(-1, 2000)), draw(st.integers(0, 2000))
        first, copied = draw(OFFSETS), draw(st.booleans())
        tls.reused.append(Reused(draw(SIDES), 3, first, start, packet, time_ns, copied=copied))
        tls.afterwards.append(Afterwards(draw(st.sampled_from(AFTERWARDS)), packet, time_ns, start))
    tls.post_handshake_auth = draw(st.booleans())


NUMBERS = st.one_of(st.none(), st.integers(0, 3), st.integers(0, (1 << 32) - 1))
FLAGS = st.sampled_from([SYN, SYN | ACK, SYN | ECE | CWR, SYN | ACK | ECE, SYN | RST, SYN | ECE])
OPTIONS = st.builds(SynOptions, mss=NUMBERS, window_scale=NUMBERS, sack=st.booleans(), stamp=NUMBERS)


@st.composite
def syns(draw: st.DrawFn, wire: Wire) -> list[Syn]:
    """Of either side, in order of time; some of them are among the segments too."""
    found = []
    for at in sorted(draw(st.lists(st.integers(-2000, 2000), max_size=6))):
        side, flags, window = draw(SIDES), draw(FLAGS), draw(st.sampled_from([0, 64, 500, 65535]))
        row = wire.segment(side, at, flags=flags, seq=-1, ack=draw(st.integers(-1, 10)))
        options = draw(st.one_of(st.none(), OPTIONS))
        found.append(Syn(row.packet, row.time_ns, side, flags, window, draw(st.integers(0, 255)), options))
    return found


@st.composite
def anything(draw: st.DrawFn, number: int = 1) -> Connection:
    wire = Wire(
        id=number, first_exchange=100 * number, first_packet=1000 * number, rtt=draw(st.floats(0, 300))
    )
    at = 0.0
    offered = draw(syns(wire))
    for _ in range(draw(st.integers(0, 4))):
        _message(draw, wire, at)
        at += draw(st.floats(-10, 3000))
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(KINDS))
        bare = kind == "rst" and draw(st.booleans())
        wire.close(
            draw(SIDES),
            kind,
            at,
            ack=draw(OFFSETS),
            seq=draw(OFFSETS),
            bare=bare,
            ttl=draw(st.integers(0, 255)),
            detail=draw(st.sampled_from(["bad_record_mac", "internal_error", "no_renegotiation"]))
            if kind == "alert"
            else "",
        )
        at += draw(st.floats(-10, 300))
    connection = wire.done()
    connection.syns = offered
    connection.established = draw(st.booleans())
    if draw(st.booleans()):
        connection.gaps.append(Gap(draw(SIDES), draw(st.integers(0, 500)), 10, draw(st.integers(0, 2000))))
    if draw(st.booleans()):
        connection.undecrypted.append(
            Undecrypted("no secrets", draw(SIDES), draw(st.one_of(st.none(), st.just(3))))
        )
    connection.mid_stream, connection.roles_guessed = draw(st.booleans()), draw(st.booleans())
    if draw(st.booleans()):
        connection.segments = None
    _of_tls(draw, connection)
    connection.rtt_syn_ns = draw(st.one_of(st.none(), st.integers(0, 10**9)))
    return connection


@given(anything(1), anything(2))
def test_the_rules_never_raise_and_every_finding_can_be_traced(first: Connection, second: Connection) -> None:
    findings = diagnose([first, second])
    ids = {exchange.id for connection in (first, second) for exchange in connection.exchanges}
    for finding in findings:
        assert finding.code in CAUSES
        assert finding.evidence
        assert finding.claim.isprintable()
        assert set(finding.exchanges) <= ids
    healthy = {
        e.id
        for c in (first, second)
        for e in c.exchanges
        if e.outcome == "complete" and as_the_client_saw(c, e) is e
    }
    accusing = [f for f in findings if f.code not in OF_ANSWERS]
    assert not any(healthy & set(finding.exchanges) for finding in accusing)
