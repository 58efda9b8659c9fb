"""Rule handshake-reset: the connection was ended in the TLS handshake, without an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import reset_sender
from plainwire.diagnose.evidence.client_hello import end_of_hello, pieces_of_hello, start_of_hello
from plainwire.diagnose.evidence.ends import on_one_host
from plainwire.diagnose.evidence.tunnels import is_tunnelled
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .hello import hello_words, stage_words, unfinished
from .large_clienthello_drop import large_clienthello_drop, large_hello

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import CloseEvent, Connection, Fault


def handshake_reset(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where the server's side ended the connection in the handshake, without an alert."""
    begin, close = unfinished(connection), connection.closes[0] if connection.closes else None
    if begin is None or close is None or close.side != Side.SERVER or close.kind not in ("fin", "rst"):
        return None
    hello_end = end_of_hello(begin, connection)
    size = hello_end - start_of_hello(connection)
    contrast = large_hello(connection, size, traffic)
    if contrast is not None:
        return large_clienthello_drop(
            connection, begin, hello_end, contrast, f"{wording.act(close)} from the server"
        )
    fault, grounds, why, marks = _sender(connection, close)
    return Verdict(
        code="handshake-reset",
        connection=connection,
        exchanges=(),
        fault=fault,
        grounds=grounds,
        facts=f"{_how_far(connection, begin, close)} {why}{_split_words(connection, begin, traffic)}",
        evidence=(
            Evidence(begin.client_data[0].packet, f"the ClientHello begins, {size} bytes"),
            Evidence(close.packet, f"{wording.act(close)} in the server's name, no alert before it"),
            *marks,
        ),
        runner_up=hello_words(size) or "a fatal alert: refuted, the server sent none",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _how_far(connection: Connection, begin: Opening, close: CloseEvent) -> str:
    """When the connection ended, and how much of the ClientHello the closing segment acknowledges."""
    start, end = start_of_hello(connection), end_of_hello(begin, connection)
    act, pieces = wording.act(close), pieces_of_hello(begin, connection)
    tunnel = " behind the proxy's tunnel" if is_tunnelled(connection) else ""
    if begin.answers or close.ack is None:
        return f"The connection ended with {act} {stage_words(connection)}{tunnel}, without an alert."
    if close.ack <= start:
        return (
            f"The connection ended with {act} that acknowledges no byte of the ClientHello{tunnel}: whatever "
            "closed it had decided before the client had said what it wants, for instance at accept."
        )
    if close.ack < end:
        return (
            f"The connection ended with {act} that acknowledges {close.ack - start} of {end - start} bytes "
            f"of the ClientHello{tunnel}, which left in {pieces} segments, without an alert."
        )
    split = f" ({end - start} bytes in {pieces} segments)" if pieces > 1 else ""
    return (
        f"The connection ended with {act} {stage_words(connection)}{tunnel}, without an alert. It "
        f"acknowledges the whole ClientHello{split}."
    )


def _split_words(connection: Connection, begin: Opening, traffic: Traffic) -> str:
    """Whether ClientHellos in several segments fail at this address, and those in one do not."""
    if pieces_of_hello(begin, connection) < 2:
        return ""
    single, several = traffic.client_hellos[connection.server].by_pieces
    if not single.answered or several.answered:
        return ""
    return (
        f" Of the ClientHellos to this address that left in two or more segments {several.failed} of "
        f"{several.failed} failed, of those in one segment {single.failed} of {sum(single)}: something in "
        "front of the server decides on the first segment alone."
    )


def _sender(connection: Connection, close: CloseEvent) -> tuple[Fault, Grounds, str, tuple[Evidence, ...]]:
    if is_tunnelled(connection):
        why = (
            "The proxy carries it on: whether the server closed, or the proxy by itself, cannot be seen here."
        )
        return "unknown", (Ground.INFERENCE,), why, ()
    if close.kind == "rst":
        source = reset_sender.of_reset(connection, close)
        return source.fault, source.grounds, source.says, source.evidence
    if on_one_host(connection):
        return "server", (Ground.FLAG,), "Both ends are on this host.", ()
    return "server", (Ground.FLAG,), "The FIN is bare TCP: something on the way could have sent it.", ()
