"""Rule plaintext-on-tls-port: the answer to TLS came in clear text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.tunnels import is_tunnelled
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


def plaintext_on_tls_port(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where the ClientHello was answered in clear text."""
    tls = opening.handshake_session(connection)
    begin = opening.of_handshake(connection)
    if tls is not None and tls.answered_by_http2 and begin is not None and begin.client_data:
        return _verdict(connection, traffic, begin, begin.answers[0].packet, "HTTP/2", "a SETTINGS frame")
    unasked = (e.response for e in connection.exchanges if e.request is None)
    response = next((response for response in unasked if response is not None), None)
    if tls is None or tls.version is not None or begin is None or response is None or not begin.client_data:
        return None
    hello, first = begin.client_data[0], next((s for s in begin.answers if s.packet == response.packet), None)
    if first is None or first is not begin.answers[0] or first.time_ns < hello.time_ns:
        return None
    return _verdict(connection, traffic, begin, first.packet, "HTTP", f"status {response.status}")


def _verdict(
    connection: Connection, traffic: Traffic, begin: Opening, answer: int, protocol: str, said: str
) -> Verdict:
    other = traffic.speaks_tls.get(connection.server)
    tunnel = is_tunnelled(connection)
    contrast = (
        " The tunnel led to it through the proxy."
        if tunnel
        else ""
        if other is None
        else f" On connection {other.id} the same address speaks TLS."
    )
    return Verdict(
        code="plaintext-on-tls-port",
        connection=connection,
        exchanges=(),
        fault="unknown" if other is None or tunnel else "server",
        grounds=(Ground.SAID,),
        facts=f"The client began TLS, and what came back is {protocol} in clear text, {said}.{contrast}",
        evidence=(
            Evidence(begin.client_data[0].packet, "the ClientHello"),
            Evidence(answer, f"the answer: {protocol} in clear text, {said}"),
        ),
        runner_up="handshake-reset: refuted, an answer came, though not in TLS",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )
