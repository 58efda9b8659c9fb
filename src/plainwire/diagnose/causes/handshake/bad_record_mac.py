"""Rule bad-record-mac where the damaged record could not be read here either, and no exchange shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.damaged_record import BAD_RECORD, confirmed
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
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


def record_never_sent(failed: FailedExchange) -> Verdict | None:
    """A verdict where a side counted a record that it never sent: its next one does not authenticate."""
    connection = failed.connection
    tls = opening.handshake_session(connection)
    alert = next((c for c in connection.closes if c.kind == "alert" and c.detail == BAD_RECORD), None)
    if tls is None or alert is None or not tls.numbers_skipped[alert.side.peer]:
        return None
    skipped = tls.numbers_skipped[alert.side.peer]
    sender, receiver = ("client", "server") if alert.side == Side.SERVER else ("server", "client")
    waited = wording.span(alert.time_ns - failed.request.last_ns)
    return Verdict(
        code="bad-record-mac",
        connection=connection,
        exchanges=(failed.exchange.id,),
        fault="client" if alert.side == Side.SERVER else "server",
        grounds=(Ground.SAID, Ground.NUMBERS),
        facts=f"The {receiver} sent the fatal alert {BAD_RECORD} {waited} after the request. The record that "
        f"it could not authenticate has a number that is {skipped} too high, and no byte of the {sender}'s "
        f"stream is missing: the {sender} had counted {plurals.count(skipped, 'record')} that it never sent. "
        "Go's crypto/tls does so where a write deadline has passed (http.Server.WriteTimeout): what it kept "
        "back is the rest of its message.",
        evidence=(
            Evidence(failed.request.packet, "the request"),
            Evidence(alert.packet, f"{wording.act(alert)} from the {receiver}"),
        ),
        runner_up="a record that was damaged on the way: refuted, it authenticates with that number",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
        advice_client="Repeat what is idempotent; ask for less at a time, so that it is ready sooner.",
        advice_server="Compare what the request took with the limits for writing (Go: "
        "http.Server.WriteTimeout; ResponseController.SetWriteDeadline for handlers that take longer).",
    )


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
