"""Rule handshake-reset: the connection was ended in the TLS handshake, without an alert."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening, reset_sender
from plainwire.diagnose.evidence.ends import on_one_host
from plainwire.diagnose.evidence.tunnels import is_tunnelled
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .hello import end_of_hello, hello_words, pieces_of_hello, stage_words, start_of_hello, unfinished
from .large_clienthello_drop import large_clienthello_drop, large_hello

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import CloseEvent, Connection, Fault

_MOST_COMPARED = 500


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
    return (
        f"The connection ended with {act} {stage_words(connection)}{tunnel}, without an alert. It "
        "acknowledges the whole ClientHello."
    )


def _split_words(connection: Connection, begin: Opening, traffic: Traffic) -> str:
    """Whether ClientHellos in several segments fail at this address, and those in one do not."""
    if pieces_of_hello(begin, connection) < 2:
        return ""
    answered, failed, single_answered, single_failed = 0, 0, 0, 0
    for other in islice(traffic.by_server.get(connection.server, ()), _MOST_COMPARED):
        theirs = _pieces(other)
        answer = other.tls is not None and other.tls.cipher_suite is not None
        if theirs == 1:
            single_answered, single_failed = single_answered + answer, single_failed + (not answer)
        elif theirs > 1:
            answered, failed = answered + answer, failed + (not answer)
    if not single_answered or answered:
        return ""
    return (
        f" Of the ClientHellos to this address that left in two or more segments {failed} of {failed} "
        f"failed, of those in one segment {single_failed} of {single_answered + single_failed}: something in "
        "front of the server decides on the first segment alone."
    )


def _pieces(connection: Connection) -> int:
    begin = opening.of_handshake(connection)
    return (
        0
        if connection.tls is None or begin is None or not begin.client_data
        else pieces_of_hello(begin, connection)
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
