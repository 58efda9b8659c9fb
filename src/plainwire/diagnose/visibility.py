"""Rule capture-artifact: before anything is concluded, whether enough was captured to conclude it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import primitives
from .damage import confirmed
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Gap


def capture_artifact(scene: Scene) -> Verdict | None:
    """A verdict where a hole in the capture covers the failure."""
    holes = list(_holes(scene))
    if not holes:
        return None
    return Verdict(
        code="capture-artifact",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="unknown",
        certainty="possible",
        facts=f"{'; '.join(hole.says for hole in holes)}.",
        evidence=tuple(holes),
        runner_up="a real failure: cannot be told from a hole in the capture",
        time_ns=scene.request.time_ns,
    )


def impaired(scene: Scene) -> bool:
    """Whether the capture was incomplete elsewhere on this connection, so that one grade less is certain."""
    connection = scene.connection
    return connection.mid_stream or any(
        not primitives.never_arrived(connection, gap) for gap in connection.gaps
    )


def _holes(scene: Scene) -> Iterator[Evidence]:
    connection, request = scene.connection, scene.request
    if connection.roles_guessed:
        yield Evidence(request.packet, "the capture does not show which side opened the connection")
    elif connection.mid_stream and scene.exchange.ordinal == 1:
        yield Evidence(request.packet, "the connection began before the capture did")
    if connection.snapped:
        yield Evidence(request.packet, "packets of this connection were cut by the snap length")
    for gap in connection.gaps:
        if _concerns(gap, scene) and not primitives.never_arrived(connection, gap):
            yield Evidence(
                gap.packet, f"{gap.length} bytes from the {_side(gap.side)} are not in the capture"
            )
    for failure in connection.undecrypted:
        if any(confirmed(connection, close) is failure for close in connection.closes):
            continue  # damaged, and not by the capture
        if failure.packet is None or failure.packet >= request.packet:
            yield Evidence(failure.packet or request.packet, "records at the failure could not be decrypted")
            break
    yield from _unseen(scene)


def _unseen(scene: Scene) -> Iterator[Evidence]:
    connection = scene.connection
    for side in Side:
        missing = primitives.unseen_bytes(connection, side)
        if missing:
            says = f"{missing} bytes from the {_side(side)} were acknowledged but are not in the capture"
            yield Evidence(connection.last_packet or scene.request.packet, says)
    close = scene.server_close
    if close is None or scene.exchange.response is not None or close.kind != "rst":
        return
    missing = primitives.missing_before(connection, close)
    if missing and primitives.reactive_reset(connection, close) is None:
        yield Evidence(
            close.packet, f"the reset stands {missing} bytes beyond the last byte seen from the server"
        )


def _concerns(gap: Gap, scene: Scene) -> bool:
    """Whether the gap was noticed after the request began, or lies in the exchange's own bytes."""
    if gap.packet >= scene.request.packet:
        return True
    message = scene.request if gap.side == Side.CLIENT else scene.exchange.response
    return message is not None and gap.offset < message.end and gap.offset + gap.length > message.start


def _side(side: Side) -> str:
    return side.name.lower()
