"""Rule bad-record-mac where the damaged record could not be read here either, and no exchange shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.damaged_record import BAD_RECORD, confirmed
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import CloseEvent, Connection, Undecrypted


def bad_record_mac(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Connections on which a record authenticates neither here nor at its receiver, as its alert says."""
    judged = {verdict.connection.id for verdict in verdicts}
    found: list[Verdict] = []
    for connection in traffic.connections:
        if not connection.undecrypted or connection.id in judged:
            continue
        for alert in connection.closes:
            record = confirmed(connection, alert)
            if record is not None:
                found.append(_verdict(connection, record, alert))
                break
    return found


def _verdict(connection: Connection, record: Undecrypted, alert: CloseEvent) -> Verdict:
    sender, receiver = ("client", "server") if alert.side == Side.SERVER else ("server", "client")
    assert record.packet is not None  # noqa: S101 - as confirmed
    return Verdict(
        code="bad-record-mac",
        connection=connection,
        exchanges=(),
        fault="unknown",
        grounds=(Ground.SAID,),
        facts=f"The {receiver} sent the fatal alert {BAD_RECORD}, and the record of the {sender}'s does not "
        f"authenticate here either: it was damaged before it reached the point of capture, or the {sender} "
        "sent it so. Its contents, perhaps a request, are lost.",
        evidence=(
            Evidence(record.packet, f"a record of the {sender}'s that does not authenticate"),
            Evidence(alert.packet, f"{wording.act(alert)} from the {receiver}"),
        ),
        runner_up="a wrong secret here: refuted, the receiver could not read it either",
        time_ns=alert.time_ns,
    )
