"""What can be played: a server that misbehaves, a path, a client, and the codes that must come out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plainwire.lab import clients
from plainwire.lab.behaviour import Behaviour, Fault
from plainwire.model import UserError

CLIENTS = Path(clients.__file__).parent


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story. ``expects`` are the codes of the findings that must come out, and no other may.

    ``client`` is a script of ``clients/`` and its arguments after host, port and authority.
    ``delay`` is the path's, one way, in seconds; 0 is bare loopback.
    """

    name: str
    story: str
    expects: frozenset[str]
    server: Behaviour
    client: tuple[str, ...]
    delay: float = 0.0

    @property
    def script(self) -> Path:
        """The client program."""
        return CLIENTS / self.client[0]


def _serial(count: int, *pauses: float, timeout: float = 10) -> tuple[str, ...]:
    return ("serial.py", str(count), str(timeout), *map(str, pauses))


SCENARIOS = (
    Scenario(
        name="reset-mid-request",
        story="An object store that now and then resets a connection in the middle of a request.",
        expects=frozenset({"reset-mid-request"}),
        server=Behaviour(fault=Fault.RESET_MID_REQUEST, probability=0.06, seed=16),
        client=_serial(40),
    ),
    Scenario(
        name="keepalive-idle-race",
        story="An object store 160 ms away that closes connections after one second of idleness, "
        "and a client that is sometimes idle for nearly as long.",
        expects=frozenset({"keepalive-idle-race"}),
        server=Behaviour(idle_timeout=1.0),
        # Lost is what is sent from 1.00 - 0.16 to 1.00 s after the last response: aim at the middle.
        client=_serial(9, 0, 0.5, 0.92),
        delay=0.08,
    ),
    Scenario(
        name="stale-connection-reuse",
        story="A client that uses a connection again long after the server closed it.",
        expects=frozenset({"stale-connection-reuse"}),
        server=Behaviour(idle_timeout=0.3),
        client=_serial(5, 0, 0.7),
    ),
    Scenario(
        name="close-mid-request",
        story="A server that reads a whole request and then closes, politely, in place of an answer.",
        expects=frozenset({"close-mid-request"}),
        server=Behaviour(schedule={5: Fault.CLOSE_MID_REQUEST, 9: Fault.FIN_MID_REQUEST}),
        client=_serial(12),
    ),
    Scenario(
        name="reset-mid-response",
        story="A server that resets the connection in the middle of a response.",
        expects=frozenset({"reset-mid-response"}),
        server=Behaviour(schedule={4: Fault.RESET_MID_RESPONSE, 9: Fault.RESET_MID_RESPONSE}, tls="1.2"),
        client=_serial(12),
    ),
    Scenario(
        name="response-truncated",
        story="A server that closes before it has sent all that it promised.",
        expects=frozenset({"response-truncated"}),
        server=Behaviour(
            schedule={
                3: Fault.TRUNCATE,
                6: Fault.TRUNCATE_SILENTLY,
                9: Fault.TRUNCATE_CHUNKED,
                12: Fault.TRUNCATE_CHUNKED_SILENTLY,
            },
            tls="1.2",
        ),
        client=_serial(14),
    ),
    Scenario(
        name="unsolicited-408",
        story="A load balancer that writes a 408 on the idle connection; the client takes it for an answer.",
        expects=frozenset({"unsolicited-408"}),
        server=Behaviour(idle_timeout=0.3, idle_408=True),
        client=_serial(5, 0, 0.7),
    ),
    Scenario(
        name="connection-close-ignored",
        story="A server that announces its close, and a client that does not listen.",
        expects=frozenset({"connection-close-ignored"}),
        server=Behaviour(schedule={4: Fault.ANNOUNCE_CLOSE}),
        client=("deaf.py", "8"),
    ),
    Scenario(
        name="hidden-retry",
        story="A server that resets in mid-request, and a library that repeats the request and tells nobody.",
        expects=frozenset({"reset-mid-request", "hidden-retry"}),
        server=Behaviour(schedule={5: Fault.RESET_MID_REQUEST, 11: Fault.RESET_MID_REQUEST}),
        client=("retrying.py", "15"),
    ),
    Scenario(
        name="client-abort",
        story="A server that takes its time, and a client that does not wait.",
        expects=frozenset({"client-abort"}),
        server=Behaviour(schedule={4: Fault.SLOW}, delay=2.0),
        client=_serial(6, timeout=0.5),
    ),
    Scenario(
        name="healthy",
        story="A server and a client that do nothing wrong.",
        expects=frozenset(),
        server=Behaviour(),
        client=_serial(20, 0, 0.05),
    ),
)

MAIN = ("reset-mid-request", "keepalive-idle-race")
"""What ``plainwire demo`` plays: one exception text, two causes."""


def find(name: str) -> Scenario:
    """The scenario of that name; UserError where there is none."""
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    message = f"{name}: no such scenario; `plainwire demo --list` names them"
    raise UserError(message)
