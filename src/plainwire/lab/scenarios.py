"""All that can be played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.lab.stories import (
    calls_and_sockets,
    client_faults,
    http1_stories,
    http2_stories,
    http3_stories,
    middleboxes,
    paths,
    responses,
)
from plainwire.model import UserError

if TYPE_CHECKING:
    from plainwire.lab.scenario import Scenario

SCENARIOS = (
    *http1_stories.SCENARIOS,
    *responses.SCENARIOS,
    *client_faults.SCENARIOS,
    *middleboxes.SCENARIOS,
    *paths.SCENARIOS,
    *http2_stories.SCENARIOS,
    *http3_stories.SCENARIOS,
    *calls_and_sockets.SCENARIOS,
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
