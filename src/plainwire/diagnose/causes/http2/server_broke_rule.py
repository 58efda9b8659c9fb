"""Rule h2-malformed-response, where what the server may not do is no message: see ``evidence.breaches``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.breaches import breach_of
from plainwire.diagnose.evidence.stream_errors import COMPLAINTS, OF_CONNECTION
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict, quoted, stream_name, stream_verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection

_FRAMED = frozenset(("h2", "h3"))
_MISSING = "H3_MISSING_SETTINGS"


def client_complained(connection: Connection, _traffic: Traffic) -> Verdict | None:
    """A verdict where the client left before a request, and said that the server broke a rule."""
    return None if connection.exchanges else _complaint(connection)


def complaints_between_streams(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The same of connections on which no response had begun by then, whatever came behind it."""
    judged = {verdict.connection.id for verdict in verdicts}
    framed = (c for c in traffic.connections if c.application in _FRAMED and c.exchanges)
    left = [c for c in framed if c.id not in judged]
    found = [_complaint(connection) for connection in left if not traffic.complaints(connection)]
    return [verdict for verdict in found if verdict is not None]


def _complaint(connection: Connection) -> Verdict | None:
    """That there were no SETTINGS shows (RFC 9114 section 6.2.1); else there is only the client's word."""
    if connection.gaps or connection.mid_stream:
        return None
    event = next(
        (e for e in connection.events if e.side is Side.CLIENT and e.kind in OF_CONNECTION and e.name), None
    )
    if event is None or event.name not in COMPLAINTS:
        return None
    others = [e for e in connection.events if e.side is Side.SERVER and e.time_ns <= event.time_ns]
    shows = event.name == _MISSING and bool(others) and not any(e.kind == "settings" for e in others)
    seen = " The capture has frames of the server's, and no SETTINGS ahead of them." if shows else ""
    return Verdict(
        code="h2-malformed-response",
        connection=connection,
        exchanges=(),
        fault="server" if shows else "unknown",
        grounds=(Ground.SAID, Ground.INFERENCE),
        facts=f"The client ended the connection before any response, and says that the server broke a rule: "
        f"{event.name}.{seen}",
        evidence=(Evidence(event.packet, f"the client's last word, {event.name}"),),
        quotes=tuple(quoted(event.packet, "the client's words", event.said)),
        runner_up="a client that is wrong about it: "
        + ("refuted, the rule is broken" if shows else "possible, no packet shows the rule broken"),
        advice_client="Nothing to fix on the client, if it is right: ask over TCP until it is mended.",
        advice_server="Keep the rule that the code stands for. SETTINGS are the first frame of each side.",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def server_broke_rule(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client left right behind it (RFC 9113)."""
    connection, traffic = failed.connection, failed.traffic
    if failed.exchange.protocol != "h2" or connection.gaps:
        return None
    breaches, goaways = (traffic.events(connection, kind) for kind in ("breach", "goaway"))
    breach = breach_of(connection, failed.exchange, breaches, goaways)
    if breach is None:
        return None
    return stream_verdict(
        failed,
        "h2-malformed-response",
        "server",
        (Ground.SAID, Ground.INFERENCE),
        f"While {stream_name(failed)} was open the server sent what HTTP/2 forbids: {breach.detail}. The "
        "client gave up right behind it, as it has to.",
        Evidence(breach.packet, breach.detail),
        retry_safe=failed.idempotent,
        runner_up="a client that hung up by itself (client-abort): it did so right behind that",
    )
