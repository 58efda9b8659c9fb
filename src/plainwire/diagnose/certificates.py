"""Rules of family D about certificates: what a client's complaint rests on."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.model import Evidence, Side

from . import words
from .catalogue import alerts
from .dates import date_ns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Certificate, CloseEvent, Connection, Exchange

    from .verdict import Verdict
    from .world import World

_FEWEST = 2
_MOST_COMPARED = 500
_MOST_ASKED = 50
SKEW_NS = 300_000_000_000
"""A clock that is wrong by less than this is taken for right."""


def sharper(verdict: Verdict, connection: Connection, close: CloseEvent, world: World) -> Verdict:
    """What lies behind a client's alert about the server's certificate, where the capture shows it."""
    tls = connection.tls
    if close.side != Side.CLIENT or tls is None or close.detail not in alerts.ABOUT_CERTIFICATES:
        return verdict
    verdict = _by_date(_with_chain(verdict, connection, close), connection, world)
    return _by_chain(verdict, connection, close, world) or _by_backend(verdict, connection, world) or verdict


def _with_chain(verdict: Verdict, connection: Connection, close: CloseEvent) -> Verdict:
    """How much of a chain the server sent, which decides whom an unknown issuer is to be asked about."""
    tls = connection.tls
    if tls is None or close.detail != "unknown_ca" or not tls.chain:
        return verdict
    own = tls.leaf is not None and not tls.leaf.defect and tls.leaf.subject == tls.leaf.issuer
    what = "one certificate" if tls.chain == 1 else f"{tls.chain} certificates"
    which = ", which signed itself" if own else " and no intermediate one" if tls.chain == 1 else ""
    return replace(verdict, facts=f"{verdict.facts} The server sent {what}{which}.")


def _by_date(verdict: Verdict, connection: Connection, world: World) -> Verdict:
    leaf = connection.tls.leaf if connection.tls is not None else None
    if leaf is None or leaf.defect:
        return verdict
    now = connection.last_ns
    if leaf.not_before_ns > now:
        return _not_yet_valid(verdict, leaf, now, world)
    if leaf.not_after_ns < now:
        ago = words.long_span(now - leaf.not_after_ns)
        return replace(
            verdict,
            fault="server",
            facts=f"{verdict.facts} The certificate had expired {ago} before, by the capture's clock.",
        )
    return verdict


def _not_yet_valid(verdict: Verdict, leaf: Certificate, now: int, world: World) -> Verdict:
    ahead = words.long_span(leaf.not_before_ns - now)
    clock = skew(world)
    wrong = clock is not None and abs(clock[0]) > SKEW_NS
    says = "" if clock is None else (
        f" The Date of a response says that the capture's clock is wrong by {words.long_span(abs(clock[0]))}."
        if wrong
        else " By the Date of a response the capture's clock is right."
    )  # fmt: skip
    return replace(
        verdict,
        code="clock-skew-cert",
        fault="unknown" if clock is None else "client" if wrong else "server",
        facts=f"{verdict.facts} The certificate becomes valid only {ahead} later, by the capture's "
        f"clock.{says}",
        evidence=(
            *verdict.evidence,
            *(() if clock is None else (Evidence(clock[1], "a response with a Date"),)),
        ),
    )


def skew(world: World) -> tuple[int, int] | None:
    """How far servers' clocks are ahead of the capture's, in ns, and the packet that says so.

    Responses from a cache bear the Date of their making: the one that is latest counts.
    """
    dated = (
        (made - exchange.response.time_ns, exchange.response.packet)
        for exchange in islice(_answered(world), _MOST_ASKED)
        if exchange.response is not None
        for made in (answered_ns(exchange),)
        if made is not None
    )
    return max(dated, default=None)


def _answered(world: World) -> Iterator[Exchange]:
    return (e for c in world.connections for e in c.exchanges if e.response is not None and e.response.status)


def answered_ns(exchange: Exchange) -> int | None:
    """The Date of a response (RFC 9110 section 6.6.1), in ns."""
    response = exchange.response
    fields = [] if response is None else response.headers
    value = next((value for name, value in fields if name.lower() == "date"), "")
    return date_ns(value) if value else None


def _same_name(connection: Connection, world: World) -> list[Connection]:
    """Other connections for the same server name, or without one to the same address, with a certificate."""
    mine = connection.tls
    if mine is None:
        return []
    named = (
        c
        for c in islice(world.connections, _MOST_COMPARED)
        if c is not connection and c.tls is not None and c.tls.certificate
    )
    if mine.server_name:
        return [c for c in named if c.tls is not None and c.tls.server_name == mine.server_name]
    return [c for c in named if c.server == connection.server]


def _by_chain(verdict: Verdict, connection: Connection, close: CloseEvent, world: World) -> Verdict | None:
    """The same certificate, with fewer others behind it than where it was accepted."""
    tls = connection.tls
    if tls is None or close.detail != "unknown_ca" or not tls.chain:
        return None
    for other in _same_name(connection, world):
        theirs = other.tls
        if theirs is None or not theirs.handshake_complete or theirs.chain <= tls.chain:
            continue
        if theirs.certificate == tls.certificate:
            return replace(
                verdict,
                code="chain-incomplete",
                fault="server",
                facts=f"{verdict.facts} It sent {tls.chain} certificate{'s' if tls.chain > 1 else ''}; "
                f"on connection "
                f"{other.id}, with the same one of its own and {theirs.chain} in all, it was accepted.",
                evidence=(*verdict.evidence, Evidence(other.first_packet, f"connection {other.id} begins")),
                runner_up="a client without the authority: refuted, it accepted the longer chain",
            )
    return None


def _by_backend(verdict: Verdict, connection: Connection, world: World) -> Verdict | None:
    """Another certificate than the one that is accepted for the same name."""
    tls = connection.tls
    if tls is None or not tls.certificate or verdict.code == "clock-skew-cert":
        return None
    others = [
        c
        for c in _same_name(connection, world)
        if c.tls is not None and c.tls.handshake_complete and c.server.port == connection.server.port
    ]
    if len(others) < _FEWEST or any(
        c.tls is not None and c.tls.certificate == tls.certificate for c in others
    ):
        return None
    where = "another address" if all(c.server != connection.server for c in others) else "the same address"
    return replace(
        verdict,
        code="cert-differs-by-backend",
        fault="server",
        facts=f"{verdict.facts} For the same name {len(others)} other connections, to {where}, were "
        f"given another "
        "certificate, and accepted it; this one was accepted nowhere.",
        evidence=(*verdict.evidence, Evidence(others[0].first_packet, f"connection {others[0].id} begins")),
        runner_up="a client that trusts nobody: refuted, it accepted the other certificate",
    )
