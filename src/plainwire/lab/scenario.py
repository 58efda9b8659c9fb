"""A scenario: a server that misbehaves, a path, a client, and the codes that must come out."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from plainwire.lab import clients

if TYPE_CHECKING:
    from plainwire.lab.behaviour import Behaviour
    from plainwire.lab.route import Route

CLIENTS = Path(clients.__file__).parent
JITTER = 0.03
"""How much of a pause another seed may add or take away: less than what the scenarios aim at."""
CONTRIBUTORY = frozenset(
    {
        "single-event",
        "mixture",
        "no-keepalive-churn",
        "close-without-close-notify",
        "retransmission-loss",
        "slow-first-byte",
        "slow-body-stall",
    }
)
"""Remarks that may stand beside any cause; a busy machine makes the last ones true."""


class Scenario(Struct, frozen=True):
    """One story. ``expects`` are the codes that must come out; none but those in ``also`` may be beside them.

    ``client`` is a script of ``clients/`` and its arguments after host, port and authority.
    ``route`` is the path; None is bare loopback. ``fault`` are the parties that may be named for ``expects``.
    ``harms``: whether exchanges fail. ``sure``: it strikes in each run, and no log tells. ``aimed``: whether
    the moment of a race is aimed at, and may be missed.
    """

    name: str
    story: str
    expects: frozenset[str]
    server: Behaviour
    client: tuple[str, ...]
    route: Route | None = None
    fault: frozenset[str] = frozenset({"server"})
    also: frozenset[str] = frozenset()
    harms: bool = True
    aimed: bool = False
    sure: bool = False
    server_module: str = "plainwire.lab.http1_server"
    packages: tuple[str, ...] = ()
    writes_keys: bool = False
    """Whether the client writes its secrets where SSLKEYLOGFILE says: its TLS is out of reach."""

    @property
    def script(self) -> Path:
        """The client program."""
        return CLIENTS / self.client[0]

    def varied(self, seed: int) -> Scenario:
        """The same story with other numbers; those of ``seed`` 0 are as written."""
        if not seed:
            return self
        draw = random.Random(seed)  # noqa: S311  (a lab, not a secret)
        shift = draw.randrange(3)
        server = replace(
            self.server,
            seed=self.server.seed + seed,
            schedule={number + shift: fault for number, fault in self.server.schedule.items()},
        )
        wobble = 1 + draw.uniform(-JITTER, JITTER)
        return replace(self, server=server, client=_wobbled(self.client, wobble))


def _wobbled(client: tuple[str, ...], wobble: float) -> tuple[str, ...]:
    """The client's arguments with its pauses, the last ones, made a little different."""
    return tuple(
        f"{float(each) * wobble:.4f}" if index > 3 and "." in each else each
        for index, each in enumerate(client)
    )
