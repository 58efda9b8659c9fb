"""Rule large-clienthello-drop: a large ClientHello is not understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.client_hello import SMALL_HELLO
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


def large_hello(connection: Connection, size: int, traffic: Traffic) -> tuple[Connection, int] | None:
    """A connection to the same server whose smaller hello was answered, where no large one ever was."""
    return traffic.client_hellos[connection.server].only_small if size > SMALL_HELLO else None


def large_clienthello_drop(
    connection: Connection, begin: Opening, size: int, contrast: tuple[Connection, int], what: str
) -> Verdict:
    """The verdict where only small ClientHellos are answered."""
    other, smaller = contrast
    closes = [c for c in connection.closes if c.side == Side.SERVER][:1]
    pieces = [s for s in begin.client_data if s.seq < size][:3]
    return Verdict(
        code="large-clienthello-drop",
        connection=connection,
        exchanges=(),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"A ClientHello of {size} bytes got {what}; one of {smaller} bytes was answered on connection "
        f"{other.id}, and no large one was anywhere to this address.",
        evidence=(
            *(Evidence(s.packet, f"part of the ClientHello, {s.length} bytes") for s in pieces),
            *(Evidence(c.packet, f"{wording.act(c)} from the server") for c in closes),
            Evidence(
                other.first_packet, f"connection {other.id} begins, whose ClientHello has {smaller} bytes"
            ),
        ),
        runner_up="handshake-reset for another reason: every small ClientHello was answered, and no large "
        "one",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )
