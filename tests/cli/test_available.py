"""``plainwire --version``."""

from __future__ import annotations

import os
from importlib.metadata import version

from click.testing import CliRunner

from plainwire import kernel
from plainwire.cli.main import plainwire


def test_the_version_and_what_is_available_here() -> None:
    first, *others = CliRunner().invoke(plainwire, ["--version"], catch_exceptions=False).output.splitlines()
    assert first == f"plainwire {version('plainwire')}"
    said = dict(line.strip().split(": ", 1) for line in others if ": " in line)
    assert said["secrets from inside programs"] == "yes"
    assert said["kernel"].startswith("none, " if kernel.compiled is None else "compiled, ")
    assert (os.geteuid() != 0) or said["live capture"] == "yes, as root"
    assert {"wireshark", "tshark"} <= set(said)
