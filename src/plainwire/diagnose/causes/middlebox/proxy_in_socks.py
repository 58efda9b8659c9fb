"""Rule proxy-connect-failure, in SOCKS (RFC 1928): the proxy refused the tunnel, or did not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.captured import is_whole
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side
from plainwire.model.connection import UNANSWERED

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Fault, Tunnel

_LEAST_WAIT_NS = 200_000_000
"""A client that leaves sooner did not wait: it may be a scan's."""

_ASK_THE_PROXY = "Ask whether the proxy can reach the server, or go round it."
_POLICY = "Ask who runs the proxy to allow this host and port, or go round it. Repeating does not help."
_OFFER = "Give the proxy a user and a password, if it wants them: it takes no way that it was offered."
_AS_IT_SEES = (
    "The server's port refused the proxy: check address and port, as the proxy sees them (its localhost is "
    "its own host; with socks5h it looks names up)."
)
_NO_WAY = (
    "The proxy has no way to the server: ask whether it can reach it. With socks5 the client looks the name "
    "up, and its address may be one that only the client can reach; socks5h gives the name."
)
_PORT = (
    "Look whether the port is the proxy's and speaks SOCKS (that of an HTTP proxy does not), and whether the "
    "proxy reaches the server."
)
_OTHER_ADDRESS = (
    "The proxy takes no such address: socks5h gives it the name, socks5 an address (perhaps of IPv6)."
)
_OF_SOCKS: tuple[tuple[str, Fault, str], ...] = (
    ("not allowed by the rules", "path", _POLICY),
    ("password", "client", "Look at the user and the password that the proxy is given."),
    ("no method of authentication", "client", _OFFER),
    ("connection refused", "path", _AS_IT_SEES),
    ("unreachable", "path", _NO_WAY),
    ("address type not supported", "client", _OTHER_ADDRESS),
)
"""What stands in the reasons of RFC 1928 section 6 and of RFC 1929: who is to look, and what at."""


def proxy_refused(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where a SOCKS proxy, or the HTTP one in front, refused the tunnel in its own language."""
    del traffic
    refused = next((tunnel for tunnel in connection.tunnels if tunnel.refused), None)
    if refused is None or connection.mid_stream:
        return None
    if refused.refused == UNANSWERED:
        return _no_answer_of_socks(connection, refused)
    why = next((row for row in _OF_SOCKS if row[0] in refused.refused), None)
    return Verdict(
        code="proxy-connect-failure",
        connection=connection,
        exchanges=(),
        fault="path" if why is None else why[1],
        grounds=(Ground.SAID,),
        facts=f"In {refused.kind} {refused.refused}: no connection to the server was made, and nothing of a "
        "request was sent.",
        evidence=(Evidence(refused.packet, "the negotiation with the proxy that failed"),),
        runner_up="a failure of the server behind the proxy: refuted, there was no tunnel to it",
        retry_safe=True,
        time_ns=connection.opened_ns,
        advice_client=_ASK_THE_PROXY if why is None else why[2],
    )


def _no_answer_of_socks(connection: Connection, tunnel: Tunnel) -> Verdict | None:
    """The proxy closed, or kept the client waiting, in the middle of SOCKS."""
    begin, close = opening.of(connection), connection.closes[0] if connection.closes else None
    if begin is None or close is None or not begin.client_data or not is_whole(connection):
        return None
    if begin.acknowledged < max(s.end for s in begin.client_data):
        return None  # it may not have arrived
    by_proxy = close.side == Side.SERVER
    said = max(s.time_ns for s in (*begin.client_data, *begin.answers))
    waited, act = close.time_ns - said, wording.act(close)
    hasty = not by_proxy and waited < _LEAST_WAIT_NS
    if hasty and not begin.answers:
        return None
    time = wording.span(max(0, waited))
    if by_proxy:
        what = f"In {tunnel.kind} the proxy's side ended the connection ({act}) {time} after the last word"
        rival = "a port that does not speak SOCKS at all: possible"
    elif hasty:
        what = f"In {tunnel.kind} the client ended the connection ({act}) {time} after the proxy's last word"
        rival = "a stop of the program: possible"
    else:
        what = f"In {tunnel.kind} the proxy said nothing more for {time}, then the client gave up ({act})"
        rival = "a server that is silent to the proxy: possible, it may have been connecting to it"
    return Verdict(
        code="proxy-connect-failure",
        connection=connection,
        exchanges=(),
        fault="path" if by_proxy else "client" if hasty else "unknown",
        grounds=(Ground.GUESS,) if hasty else (Ground.INFERENCE,),
        facts=f"{what}: no tunnel was opened, and nothing of a request was sent.",
        evidence=(
            Evidence(tunnel.packet, "the negotiation with the proxy begins"),
            Evidence(close.packet, f"{act} from the {'proxy' if by_proxy else 'client'}"),
        ),
        runner_up=rival,
        retry_safe=True,
        time_ns=connection.opened_ns,
        advice_client=_PORT,
    )
