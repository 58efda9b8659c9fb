"""What the object store does wrong, and when: a value that one process writes and another reads."""

from __future__ import annotations

import dataclasses
import enum
import json
import random
from dataclasses import dataclass, field
from typing import Any


class Fault(enum.StrEnum):
    """One way to treat a request (or the idle time after its response)."""

    NONE = "none"
    RESET_MID_REQUEST = "reset-mid-request"
    """The whole request is read; then a reset in place of a response."""
    CLOSE_MID_REQUEST = "close-mid-request"
    """The whole request is read; then close_notify and FIN."""
    FIN_MID_REQUEST = "fin-mid-request"
    """The same without close_notify."""
    RESET_MID_RESPONSE = "reset-mid-response"
    """Half of the body, then a reset."""
    TRUNCATE = "truncate"
    """Half of the body that Content-Length declares, then close_notify and FIN."""
    TRUNCATE_SILENTLY = "truncate-silently"
    """The same without close_notify."""
    TRUNCATE_CHUNKED = "truncate-chunked"
    """One chunk of two, no last chunk, then close_notify and FIN."""
    TRUNCATE_CHUNKED_SILENTLY = "truncate-chunked-silently"
    """The same without close_notify."""
    ANNOUNCE_CLOSE = "announce-close"
    """A whole response with ``Connection: close``; one more request is read and then not answered."""
    SLOW = "slow"
    """A whole response, ``delay`` seconds late."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the object store behaves. All times in seconds.

    ``schedule`` names faults by request number, counted from 1 over all connections. ``fault`` strikes
    any other request with ``probability``, drawn from a generator seeded with ``seed``, so that a
    run can be had again.
    """

    schedule: dict[int, Fault] = field(default_factory=dict)
    fault: Fault = Fault.NONE
    probability: float = 0.0
    seed: int = 1
    idle_timeout: float = 60.0
    idle_408: bool = False
    """Write an HTTP 408 response before closing an idle connection, as some load balancers do."""
    delay: float = 0.0
    tls: str | None = None
    """"1.2" or "1.3"; None: the best that both ends have."""

    def to_json(self) -> str:
        """The form that goes over a command line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Behaviour:
        """Read what ``to_json`` wrote."""
        values: dict[str, Any] = json.loads(text)
        values["schedule"] = {int(number): Fault(fault) for number, fault in values["schedule"].items()}
        values["fault"] = Fault(values["fault"])
        return cls(**values)

    def faults(self) -> _Faults:
        """The faults of one run of the server, in the order of its requests."""
        return _Faults(self)


class _Faults:
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._random = random.Random(behaviour.seed)  # noqa: S311  (a lab, not a secret)
        self._number = 0

    def next(self) -> tuple[int, Fault]:
        """The number of the next request, and what is to be done to it."""
        self._number += 1
        drawn = self._random.random() < self._behaviour.probability
        planned = self._behaviour.fault if drawn else Fault.NONE
        return self._number, self._behaviour.schedule.get(self._number, planned)
