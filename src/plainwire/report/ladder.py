"""One connection from top to bottom: what each side sent, when, and in which packet. Safe to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model import Side
from plainwire.report import redact
from plainwire.report.escape import printable
from plainwire.report.moments import moment
from plainwire.report.style import BAD, Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Exchange

_SHAFT = 46
"""Columns between the two sides."""
_SHOWN = 400
"""Steps of a connection that are shown; the last of them always."""
_PAUSE_NS = 200_000_000
"""A pause that is worth a line (chosen)."""


class Step(Struct, frozen=True):
    """Something that one side sent."""

    time_ns: int
    packet: int
    side: Side
    says: str
    bad: bool = False


def ladder(connection: Connection, style: Style) -> str:
    """Return the connection as text, one step a line, from the client (left) to the server (right)."""
    found = sorted(steps(connection), key=lambda step: (step.time_ns, step.packet))
    hidden = len(found) - _SHOWN
    shown = [*found[: _SHOWN // 2], *found[-_SHOWN // 2 :]] if hidden > 0 else found
    ends = f"{connection.client}".ljust(_SHAFT // 2) + f"{connection.server}".rjust(_SHAFT - _SHAFT // 2)
    lines = [f"Connection {connection.id}", "", style.strong(f"{'time (UTC)':<17}{ends}  packet")]
    before = shown[0].time_ns if shown else 0
    for number, step in enumerate(shown):
        if hidden > 0 and number == _SHOWN // 2:
            lines.append(f"{'':17}... {hidden} more ...")
        elif step.time_ns - before >= _PAUSE_NS:
            lines.append(f"{'':17}|{f'{(step.time_ns - before) / 1e9:.3f} s of silence':^{_SHAFT - 2}}|")
        lines.append(style.strong(_line(step), BAD) if step.bad else _line(step))
        before = step.time_ns
    return "\n".join(lines)


def _line(step: Step) -> str:
    says = f" {printable(step.says, _SHAFT - 8)} "
    shaft = says.center(_SHAFT - 3, "-")
    arrow = f"|{shaft}>|" if step.side is Side.CLIENT else f"|<{shaft}|"
    return f"{moment(step.time_ns):<17}{arrow}  {step.packet or ''}".rstrip()


def steps(connection: Connection) -> Iterator[Step]:
    """All that is known of it, in no order."""
    for syn in connection.syns:
        yield Step(syn.time_ns, syn.packet, syn.side, "SYN" if syn.side is Side.CLIENT else "SYN, ACK")
    for exchange in connection.exchanges:
        yield from _of_exchange(exchange)
    for event in connection.events:
        if event.kind in ("goaway", "rst_stream", "reset_stream", "stop_sending"):
            says = event.kind if event.stream is None else f"{event.kind} {event.stream}"
            yield Step(event.time_ns, event.packet, event.side, f"{says}: {event.name}", bad=True)
    for close in connection.closes:
        says = f"{close.kind} {close.detail}".strip()
        bad = close.kind in ("rst", "alert", "connection_close") and not close.detail.endswith("NO_ERROR")
        yield Step(close.time_ns, close.packet, close.side, says, bad=bad)


def _of_exchange(exchange: Exchange) -> Iterator[Step]:
    request, response = exchange.request, exchange.response
    if request is not None:
        says = f"{exchange.id}: {request.method} {redact.target(request.target)}"
        yield Step(request.time_ns, request.packet, Side.CLIENT, says)
        if request.last_packet != request.packet:
            yield Step(
                request.last_ns, request.last_packet, Side.CLIENT, f"{exchange.id}: the request's last byte"
            )
    if response is not None:
        size = f", {response.body_size} bytes of body" if response.last_packet == response.packet else ""
        yield Step(response.time_ns, response.packet, Side.SERVER, f"{exchange.id}: {response.status}{size}")
        if response.last_packet != response.packet:
            whole = "last byte" if response.complete else "last byte that came"
            yield Step(response.last_ns, response.last_packet, Side.SERVER, f"{exchange.id}: {whole}")
