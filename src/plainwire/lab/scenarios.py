"""All that can be played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.lab.stories import http1, http2, http3, middleboxes, paths, responses
from plainwire.model import UserError

if TYPE_CHECKING:
    from plainwire.lab.scenario import Scenario

SCENARIOS = (
    *http1.SCENARIOS,
    *responses.SCENARIOS,
    *middleboxes.SCENARIOS,
    *paths.SCENARIOS,
    *http2.SCENARIOS,
    *http3.SCENARIOS,
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
