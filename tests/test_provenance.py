"""A page names the machine only where the program ran on it."""

from __future__ import annotations

import platform
from pathlib import Path

from plainwire import provenance


def test_the_host_is_named_of_a_recording_and_not_of_a_capture_from_elsewhere() -> None:
    assert provenance.about(Path("x.pcap")).host == ""
    assert provenance.about(Path("case"), recorded_here=True).host == platform.node()
    assert provenance.about(Path("evil\x1b[2J")).capture == r"evil\x1b[2J"
