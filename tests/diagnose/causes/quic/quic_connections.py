"""QUIC that met with nothing, while TCP works; or that went where nobody is; or that was too small."""

from __future__ import annotations

from plainwire.model import Connection, Endpoint, QuicInfo, TlsInfo
from tests.diagnose.wire import CLIENT_END, EPOCH_NS, MS, SERVER_END

ELSEWHERE = Endpoint("203.0.113.99", 443)


def unanswered(
    *, packets: int = 4, server: Endpoint = SERVER_END, answered: bool = False, mid_stream: bool = False
) -> Connection:
    """A client's Initials over 1.4 s."""
    return Connection(
        id=1, client=CLIENT_END, server=server, first_packet=1, opened_ns=EPOCH_NS, mid_stream=mid_stream,
        last_packet=packets, last_ns=EPOCH_NS + 1400 * MS, packets=packets, transport="quic",
        quic=QuicInfo("QUIC v1", answered=answered), tls=TlsInfo(), application="h3",
    )  # fmt: skip
