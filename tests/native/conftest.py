"""Small C programs, compiled here, with the interposer in them or not."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from plainwire.acquire import interposer
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path


class Compile(Protocol):
    def __call__(self, name: str, source: str, *flags: str | Path, compiler: str = "gcc") -> Path: ...


class Preloaded(Protocol):
    def __call__(self, *command: str | Path, **more: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """Compile a program or, with ``-shared``, a library."""

    def build(name: str, source: str, *flags: str | Path, compiler: str = "gcc") -> Path:
        (tmp_path / f"{name}.c").write_text("#define _GNU_SOURCE\n" + textwrap.dedent(source))
        command = [tool(compiler), "-O1", "-fPIC", "-o", tmp_path / name, tmp_path / f"{name}.c", *flags]
        subprocess.run(command, check=True, timeout=120)
        return tmp_path / name

    return build


@pytest.fixture
def preloaded(tmp_path: Path) -> Preloaded:
    """Run a command with the interposer and ``more`` variables, ``keys`` and ``events`` being files in
    ``tmp_path``.
    """
    library = interposer.compiled()
    assert library, interposer.missing()
    for name in ("keys", "events"):
        (tmp_path / name).touch(0o600)
    environment = dict(os.environ) | {
        "LD_PRELOAD": str(library),
        "PLAINWIRE_KEYS": str(tmp_path / "keys"),
        "PLAINWIRE_EVENTS": str(tmp_path / "events"),
        "PLAINWIRE_FILTERS": str(interposer.seccomp_filters()),
    }

    def run(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=environment | more, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def noted(folder: Path, *kinds: str) -> list[dict[str, Any]]:
    """The events of these kinds, in ``folder``."""
    lines = (folder / "events").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] in kinds]
