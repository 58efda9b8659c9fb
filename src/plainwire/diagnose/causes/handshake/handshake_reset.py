"""Rule handshake-reset: the connection was ended in the TLS handshake, without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import reset_sender
from plainwire.diagnose.evidence.ends import on_one_host
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .hello import end_of_hello, hello_words, stage_words, unfinished
from .large_clienthello_drop import large_clienthello_drop, large_hello

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Certainty, CloseEvent, Connection, Fault


def handshake_reset(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where the server's side ended the connection in the handshake, without an alert."""
    begin, close = unfinished(connection), connection.closes[0] if connection.closes else None
    if begin is None or close is None or close.side != Side.SERVER or close.kind not in ("fin", "rst"):
        return None
    hello_end = end_of_hello(begin, connection)
    contrast = large_hello(connection, hello_end, traffic)
    if contrast is not None:
        return large_clienthello_drop(
            connection, begin, hello_end, contrast, f"{wording.act(close)} from the server"
        )
    fault, certainty, why, marks = _sender(connection, close)
    had = close.ack is not None and close.ack >= hello_end
    return Verdict(
        code="handshake-reset",
        connection=connection,
        exchanges=(),
        fault=fault,
        certainty=certainty,
        facts=f"The connection ended with {wording.act(close)} {stage_words(connection)}, without an "
        f"alert.{' It acknowledges the whole ClientHello.' if had else ''} {why}",
        evidence=(
            Evidence(begin.said[0].packet, f"the ClientHello begins, {hello_end} bytes"),
            Evidence(close.packet, f"{wording.act(close)} in the server's name, no alert before it"),
            *marks,
        ),
        runner_up=hello_words(hello_end) or "a fatal alert: refuted, the server sent none",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _sender(connection: Connection, close: CloseEvent) -> tuple[Fault, Certainty, str, tuple[Evidence, ...]]:
    if close.kind == "rst":
        source = reset_sender.of_reset(connection, close)
        return source.fault, source.certainty, source.says, source.evidence
    if on_one_host(connection):
        return "server", "proved", "Both ends are on this host.", ()
    return "server", "likely", "The FIN is bare TCP: something on the way could have sent it.", ()
