"""Some scenarios, played for real: the findings are held against what server and client say."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.lab import scenarios
from plainwire.model import UserError
from tests.needs import needs
from tests.report.test_json_schema import faults_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAMES = [scenario.name for scenario in scenarios.SCENARIOS]
SAMPLE = [
    "keepalive-idle-race",
    "response-truncated",
    "unsolicited-408",
    "hidden-retry",
    "connection-shared",
    "connection-shared-tls-1.2",
    "middlebox-injected-reset",
    "window-scale-stripped",
    "ecn-blackhole",
    "max-requests-announced",
    "reordering",
    "quic-stateless-reset",
    "client-stall",
    "pipelining-broken",
    "header-growth-431",
    "healthy",
]
"""A few seconds each; ``python bench/score`` plays them all, with many clients."""


def _demo(*arguments: object, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    command = [*prefix, sys.executable, "-m", "plainwire", "demo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("name", SAMPLE)
def test_scenario_comes_to_the_right_verdict(name: str, tmp_path: Path) -> None:
    """And its reports are as the published schema says."""
    needs("root")
    done = _demo(name, "-o", tmp_path / "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    written = sorted((tmp_path / "demo").rglob("report.json"))
    assert written
    assert [fault for path in written for fault in faults_of(json.loads(path.read_bytes()))] == []


def test_demo_without_a_name_shows_one_exception_with_two_causes(tmp_path: Path) -> None:
    needs("root")
    done = _demo("-o", tmp_path / "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "for two different reasons" in done.stdout or "for different reasons" in done.stdout


@pytest.mark.parametrize(
    ("taken", "status", "said"),
    [
        ("sys_admin", 0, "no network namespace can be made here"),
        ("sys_admin,-net_raw,-net_admin", 0, "Evidence: socket trace"),
    ],
)
def test_machine_that_forbids_something_says_so_in_one_line(
    taken: str, status: int, said: str, tmp_path: Path
) -> None:
    """As in a container: root, but not all of root's rights."""
    needs("root", "setpriv")
    reduced = ["setpriv", f"--bounding-set=-{taken}", f"--inh-caps=-{taken}"]
    done = _demo("-o", tmp_path / "demo", prefix=reduced)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_list_names_every_scenario() -> None:
    done = _demo("--list")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line in NAMES] == NAMES


def test_unknown_scenario_is_one_line(tmp_path: Path) -> None:
    done = _demo("no-such-thing", "-o", tmp_path / "demo")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    with pytest.raises(UserError, match="no such scenario"):
        scenarios.find("no-such-thing")


def test_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    done = _demo("-o", tmp_path)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
