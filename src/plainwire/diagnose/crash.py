"""Rule server-crash-mid-stream: the end of the process that served these connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import origin, primitives, words
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection

_MOMENT_NS = 50_000_000
_SOON_NS = 10_000_000_000
_AT_ONCE_NS = 2_000_000_000
_MOST_CITED = 4


def server_crash_mid_stream(scene: Scene) -> Verdict | None:
    """A verdict where a reset in an exchange goes together with others, and new connections are refused."""
    close = scene.server_close
    if close is None or close.kind != "rst" or close.time_ns < scene.request.time_ns:
        return None
    if origin.of_reset(scene.connection, close).fault == "path":
        return None
    peers = scene.world.by_server.get(scene.connection.server, [])
    together = [(other, reset) for other in peers for reset in _resets_at(other, close)]
    refusal = _refusal(peers, close, _SOON_NS if len(together) > 1 else _AT_ONCE_NS)
    if refusal is None:
        return None
    connection, refused = refusal
    count = f"{len(together)} connections were reset" if len(together) > 1 else "The connection was reset"
    return Verdict(
        code="server-crash-mid-stream",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="server",
        certainty="likely",
        facts=f"{count} {'within 50 ms, ' if len(together) > 1 else ''}in the middle of an exchange, and "
        f"{words.span(refused.time_ns - close.time_ns)} later the same address refused a new connection: "
        "nobody was listening any more.",
        evidence=(
            Evidence(scene.request.packet, f"the request, {words.run(scene.request)}"),
            *(
                Evidence(reset.packet, f"{words.act(reset)} from the server on connection {other.id}")
                for other, reset in sorted(together, key=lambda pair: pair[0] is not scene.connection)[
                    :_MOST_CITED
                ]
            ),
            Evidence(refused.packet, f"{words.act(refused)}: connection {connection.id} is refused"),
        ),
        runner_up="reset-mid-request by a limit or a load balancer: refuted, the address then refused "
        "connections",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def _resets_at(connection: Connection, close: CloseEvent) -> list[CloseEvent]:
    first = primitives.first_close(connection, Side.SERVER)
    if first is None or first.kind != "rst" or not connection.established:
        return []
    if primitives.client_first(connection) is not None:
        return []
    return [first] if abs(first.time_ns - close.time_ns) <= _MOMENT_NS else []


def _refusal(peers: list[Connection], close: CloseEvent, within: int) -> tuple[Connection, CloseEvent] | None:
    """A connection attempt that was refused soon after ``close``."""
    for connection in peers:
        answer = primitives.first_close(connection, Side.SERVER)
        if connection.established or connection.mid_stream or answer is None or answer.kind != "rst":
            continue
        if 0 <= connection.opened_ns - close.time_ns <= within:
            return connection, answer
    return None
