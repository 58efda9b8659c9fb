"""Beside a failure of the same server: what did not cause it, and is worth knowing all the same.

On traffic without failures nothing here is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import order
from .causes.catalogue import CAUSES
from .verdict import Failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Endpoint

    from .boundary import Boundary
    from .traffic.traffic import Traffic
    from .verdict import Verdict


def remarks(traffic: Traffic, verdicts: Sequence[Verdict], boundary: Boundary) -> list[Verdict]:
    """All remarks."""
    if not verdicts:
        return []
    failing = dict.fromkeys(v.connection.server for v in verdicts if CAUSES[v.code].failure)
    failed: dict[Endpoint, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.failure is not False and CAUSES[verdict.code].failure:
            failed.setdefault(verdict.connection.server, []).append(verdict)
    failures = Failures(verdicts, list(failing), failed)
    return [remark for rule in order.REMARKS for remark in boundary.all(rule, traffic, failures)]
