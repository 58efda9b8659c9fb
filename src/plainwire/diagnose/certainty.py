"""How sure a verdict is: one function, from the classes of evidence and what the capture shows of them.

Rules say what they rest on (``grounds``); none of them says how sure that makes it. The weakest ground
decides. Then it counts what stands between the evidence and us: a proxy, whose TCP is not the server's;
bytes that the capture lacks; the program's word, where it came before what is said to be its cause; and that
there was no capture, but the program's own calls on its sockets: then nothing is proved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .evidence.acknowledgments import never_arrived
from .evidence.captured import server_was_seen
from .evidence.ends import is_spliced, on_one_host
from .evidence.proxys_answers import asks_a_proxy
from .evidence.tunnels import is_tunnelled
from .grounds import Ground

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.model import Certainty, Connection

    from .grounds import Grounds
    from .verdict import Verdict

GRADES: tuple[Certainty, ...] = ("possible", "likely", "proved")

SURE: dict[Ground, Certainty] = {
    Ground.SEALED: "proved",
    Ground.NUMBERS: "proved",
    Ground.SILENCE: "likely",
    Ground.HABIT: "likely",
    Ground.ONCE: "possible",
    Ground.INFERENCE: "likely",
    Ground.GUESS: "possible",
}
"""How sure each class is by itself. What messages and flags are worth depends on the connection."""
_WORDS = frozenset((Ground.SEALED, Ground.SAID))
"""What stands inside TLS is the server's, whoever carries the packets."""
_PROXY_WORDS = (
    " The connection leads through a proxy: what TCP says (acknowledgments, FIN, RST) is the proxy's word; "
    "only what stands inside TLS is the server's."
)

_RELAY_WORDS = (
    " A relay (slirp, pasta) stands in for the network here: what TCP says is the relay's word, and not "
    "proved of the server."
)
_SPLICED_WORDS = (
    " A relay (pasta) leads from this loopback to the host's, from socket to socket: also a reset arrives as "
    "a FIN here, so that how it ended there is not known."
)
_PASSED_ON = (
    " The request names a whole URL: it went to a proxy, and what comes back is the server's only as far as "
    "the proxy passes it on."
)


class Settled(Struct, frozen=True):
    """A verdict, how sure it is, and whether it is about what passed through a proxy's tunnel."""

    verdict: Verdict
    certainty: Certainty
    tunnelled: bool


def settled(verdict: Verdict, through: Callable[[Connection], bool] = is_tunnelled) -> Settled:
    """How sure a verdict is. Through a proxy, it names the server only where the server itself was heard.

    ``through`` says whether a connection leads through a proxy's tunnel: of many verdicts it may remember.
    """
    connection, tunnelled = verdict.connection, through(verdict.connection)
    certainty = of_grounds(verdict.grounds, connection, tunnelled=tunnelled)
    heard = [ground in _WORDS for ground in verdict.grounds]
    if not all(heard) and verdict.fault not in ("client", "unknown") and tunnelled:
        fault = "unknown" if verdict.fault == "server" and not any(heard) else verdict.fault
        verdict = replace(verdict, fault=fault, facts=verdict.facts + _PROXY_WORDS)
        certainty = weaker(certainty)
    if verdict.fault == "server" and asks_a_proxy(connection):
        fault = "server" if all(heard) else "unknown"
        verdict = replace(verdict, fault=fault, facts=verdict.facts + _PASSED_ON)
        certainty = withheld(certainty)
    if connection.relayed and certainty == "proved" and not all(heard):
        verdict = replace(verdict, facts=verdict.facts + _RELAY_WORDS)
        certainty = withheld(certainty)
    if is_spliced(connection) and Ground.FLAG in verdict.grounds:
        verdict, certainty = replace(verdict, facts=verdict.facts + _SPLICED_WORDS), "possible"
    if impaired(connection):
        certainty = weaker(certainty)
    return Settled(verdict, withheld(certainty) if connection.from_sockets else certainty, tunnelled)


def of_grounds(grounds: Grounds, connection: Connection, *, tunnelled: bool) -> Certainty:
    """As sure as the weakest ground; nothing is proved by nothing."""
    grades = [_sure(ground, connection, tunnelled=tunnelled) for ground in grounds] or ["possible"]
    return min(grades, key=GRADES.index)


def weaker(certainty: Certainty) -> Certainty:
    """One grade down."""
    return "likely" if certainty == "proved" else "possible"


def withheld(certainty: Certainty) -> Certainty:
    """At most likely: for what the program spoke of before it happened, or what no packet shows."""
    return min(certainty, "likely", key=GRADES.index)


def impaired(connection: Connection) -> bool:
    """Whether the capture lacks bytes of the connection, so that one grade less is certain."""
    if connection.mid_stream or connection.snapped:
        return True
    if connection.established and not server_was_seen(connection):
        return True
    return any(not never_arrived(connection, gap) for gap in connection.gaps)


def _sure(ground: Ground, connection: Connection, *, tunnelled: bool) -> Certainty:
    if ground is Ground.SAID:
        here = on_one_host(connection) and not tunnelled
        return "proved" if here or _sealed(connection) else "likely"
    if ground is Ground.FLAG:
        return "proved" if on_one_host(connection) else "likely"
    return SURE[ground]


def _sealed(connection: Connection) -> bool:
    """Whether what is said on the connection was authenticated by its encryption."""
    return connection.tls is not None and connection.decrypted
