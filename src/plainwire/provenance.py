"""Where a report comes from: what stands in the head of its page."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from plainwire.report.escape import printable
from plainwire.report.page.about import About

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 300


def about(source: Path, *, recorded_here: bool = False) -> About:
    """What is known of the report on a case or a capture file.

    ``recorded_here``: this machine is the one that the program ran on.
    """
    versions = [("plainwire", version("plainwire"))]
    if recorded_here:
        versions.append((platform.system(), platform.release()))
    host = printable(platform.node(), _LONGEST) if recorded_here else ""
    return About(printable(str(source), _LONGEST), host, tuple(versions))
