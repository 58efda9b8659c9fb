"""Rule close-without-close-notify: the server ends connections without saying so in TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.closes import client_first, first_close
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Failures
    from plainwire.model import Connection


def close_without_close_notify(traffic: Traffic, failures: Failures) -> Iterator[Verdict]:
    """Connections whose exchanges are complete and which the server ended by FIN, without close_notify."""
    for server in failures.servers:
        for connection in traffic.by_server.get(server, ()):
            verdict = _of_connection(connection)
            if verdict is not None:
                yield verdict


def _of_connection(connection: Connection) -> Verdict | None:
    close = first_close(connection, Side.SERVER)
    if close is None or close.kind != "fin" or connection.tls is None or not connection.decrypted:
        return None
    if connection.undecrypted or connection.gaps or client_first(connection) is not None:
        return None
    if not connection.exchanges or any(e.outcome != "complete" for e in connection.exchanges):
        return None
    return Verdict(
        code="close-without-close-notify",
        connection=connection,
        exchanges=(),
        fault="server",
        grounds=(Ground.FLAG,),
        facts="The server sent FIN and no close_notify before it; all messages were complete.",
        evidence=(Evidence(close.packet, "FIN from the server; no close_notify before it"),),
        runner_up="a truncation by somebody else: refuted, every message was complete",
        time_ns=close.time_ns,
    )
