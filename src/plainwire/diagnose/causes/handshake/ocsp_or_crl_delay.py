"""Remark ocsp-or-crl-delay: a handshake stood still while the client asked whether a certificate is revoked.

Some clients ask a third server before they go on (OCSP, RFC 6960; a list, RFC 5280 section 5). Both go over
HTTP in clear text, because the check of that server's own certificate would need another.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.diagnose.evidence.opening import Segment
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Exchange, Request, Response


_PAUSE_FROM_NS = 200_000_000
"""Shorter pauses in a handshake are the signature, or the network (chosen)."""

_PAUSE_TO_NS = 120_000_000_000
"""Longer ones have another reason (chosen: fetching gives up sooner)."""

_MOST_FETCHES = 200

_MOST_EXCHANGES = 16
"""So many are looked at on a connection; one that asks about certificates asks little else."""

_NEIGHBOURS = 200

_TYPES = (
    "application/ocsp-request",
    "application/ocsp-response",
    "application/pkix-crl",
    "application/x-pkcs7-crl",
)


class _Fetch(Struct, frozen=True):
    """A question about revocation, and its answer."""

    connection: Connection
    request: Request
    response: Response
    first: bool
    """Whether the connection had carried nothing before."""


class _RevocationPause(Struct, frozen=True):
    """From the last byte of the server's certificates to the client's next one."""

    before: Segment
    after: Segment

    @property
    def length_ns(self) -> int:
        return self.after.time_ns - self.before.time_ns

    def holds(self, fetch: _Fetch) -> bool:
        """Whether the question was put and answered within."""
        return self.before.time_ns <= fetch.request.time_ns and fetch.response.last_ns <= self.after.time_ns

    def spent_ns(self, fetches: list[_Fetch]) -> int:
        """How long such questions were open, the time of connecting included where that was within, too."""
        spans: list[tuple[int, int]] = []
        for fetch in fetches:
            opened, asked = fetch.connection.opened_ns, fetch.request.time_ns
            within = fetch.first and opened >= self.before.time_ns
            spans.append((opened if within else asked, fetch.response.last_ns))
        spent, reached = 0, 0
        for begun, over in sorted(spans):
            spent += max(0, over - max(begun, reached))
            reached = max(reached, over)
        return spent


def ocsp_or_crl_delay(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Handshakes that stood still at the client, half of the time or more for such questions."""
    del verdicts
    pauses: dict[int, _RevocationPause | None] = {}
    found: dict[int, tuple[Connection, _RevocationPause, list[_Fetch]]] = {}
    for fetch in islice(_fetches(traffic), _MOST_FETCHES):
        for connection in _handshakes(traffic, fetch, pauses):
            pause = pauses[connection.id]
            assert pause is not None  # noqa: S101 - for the type checker
            found.setdefault(connection.id, (connection, pause, []))[2].append(fetch)
    return [
        _verdict(connection, pause, fetches)
        for connection, pause, fetches in found.values()
        if 2 * pause.spent_ns(fetches) >= pause.length_ns
    ]


def _fetches(traffic: Traffic) -> Iterator[_Fetch]:
    """All such questions, of clients that also speak TLS."""
    clients = {c.client.address for c in traffic.connections if c.tls is not None}
    for connection in traffic.connections:
        if connection.tls is not None or connection.client.address not in clients:
            continue
        for place, exchange in enumerate(connection.exchanges[:_MOST_EXCHANGES]):
            request, response = exchange.request, exchange.response
            whole = exchange.outcome == "complete" and request is not None and response is not None
            if whole and request is not None and response is not None and _is_about_revocation(exchange):
                yield _Fetch(connection, request, response, place == 0)


def _is_about_revocation(exchange: Exchange) -> bool:
    request = exchange.request
    if request is not None and request.target.partition("?")[0].lower().endswith(".crl"):
        return True
    return any(
        name.lower() == "content-type" and value.partition(";")[0].strip().lower() in _TYPES
        for message in (request, exchange.response)
        if message is not None
        for name, value in message.headers
    )


def _handshakes(
    traffic: Traffic, fetch: _Fetch, pauses: dict[int, _RevocationPause | None]
) -> list[Connection]:
    """The connections of the same client whose handshake waited meanwhile.

    Where the certificate of some names the server that was asked, these only.
    """
    place = traffic.position[fetch.connection.id]
    waiting: list[Connection] = []
    for other in traffic.connections[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]:
        around = other.opened_ns <= fetch.request.time_ns and fetch.response.last_ns <= other.last_ns
        if not around or other.tls is None or other.client.address != fetch.connection.client.address:
            continue
        if other.id not in pauses:
            pauses[other.id] = _pause(other)
        pause = pauses[other.id]
        if pause is not None and pause.holds(fetch):
            waiting.append(other)
    named = [other for other in waiting if _names(other, fetch)]
    return named or waiting


def _names(connection: Connection, fetch: _Fetch) -> bool:
    """Whether the server's certificate holds the address that was asked (RFC 5280 section 4.2.2.1)."""
    authority = (fetch.request.authority or "").partition(":")[0].encode("ascii", "replace")
    return bool(authority) and connection.tls is not None and authority in connection.tls.certificate


def _pause(connection: Connection) -> _RevocationPause | None:
    """The client's pause behind the server's certificates, where it is long; None in a short handshake.

    A resumed session has no certificates; a HelloRetryRequest puts a flight of each side ahead of them.
    """
    tls = connection.tls
    begin = opening.of(connection) if tls is not None and not tls.resumed else None
    if begin is None or tls is None:
        return None
    turns = 2 if tls.hello_retry else 1
    last: Segment | None = None
    ends = [0, 0]
    for segment in sorted((*begin.client_data, *begin.answers), key=lambda s: (s.time_ns, s.packet)):
        if segment.seq < ends[segment.side]:
            continue  # sent again
        ends[segment.side] = segment.end
        if last is not None and last.side == Side.SERVER and segment.side == Side.CLIENT:
            turns -= 1
            if not turns:
                pause = _RevocationPause(last, segment)
                return pause if _PAUSE_FROM_NS <= pause.length_ns <= _PAUSE_TO_NS else None
        last = segment
    return None


def _verdict(connection: Connection, pause: _RevocationPause, fetches: list[_Fetch]) -> Verdict:
    many = plurals.times(len(fetches))
    named = any(_names(connection, fetch) for fetch in fetches)
    return Verdict(
        code="ocsp-or-crl-delay",
        connection=connection,
        exchanges=(),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"In the handshake the client said nothing for {wording.span(pause.length_ns)} when it had the "
        f"server's certificate. In that time it asked {many} over HTTP whether a certificate is revoked, "
        f"which took {wording.span(pause.spent_ns(fetches))}."
        + (" The server's certificate names whom it asked." if named else ""),
        evidence=(
            Evidence(pause.before.packet, "the last segment of the server's part of the handshake"),
            *_asked(fetches),
            Evidence(pause.after.packet, f"the client goes on, {wording.span(pause.length_ns)} later"),
        ),
        runner_up="a slow server or path: refuted, it was the client's turn",
        time_ns=connection.opened_ns,
    )


def _asked(fetches: list[_Fetch]) -> Iterator[Evidence]:
    for fetch in fetches[:4]:
        where = f"on connection {fetch.connection.id}"
        yield Evidence(fetch.request.packet, f"the client asks about revocation, {where}")
        yield Evidence(fetch.response.last_packet, f"the answer, status {fetch.response.status}, {where}")
