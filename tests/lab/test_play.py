"""A play leaves nothing behind, however it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from plainwire.lab import namespaces
from tests.needs import needs


def test_killed_play_leaves_no_process(tmp_path: Path) -> None:
    """And with the last process the kernel removes the namespaces and the TUN devices."""
    needs("root")
    command = [sys.executable, "-m", "plainwire.lab.play", "keepalive-idle-race", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as player:
        assert player.stdout is not None
        player.stdout.readline()  # the client's command line: server and path are there
        children = _descendants(player.pid)
        player.kill()
    assert len(children) >= 2
    for _ in range(300):
        left = [child for child in children if _alive(child)]
        if not left:
            return
        time.sleep(0.1)
    pytest.fail(f"still there after 30 s: {left}")


def test_obstacle_is_a_line_or_none_and_leaves_this_process_where_it_was() -> None:
    network = Path("/proc/self/ns/net").readlink()
    reason = namespaces.obstacle(tun=True)
    assert reason is None or len(reason.splitlines()) == 1
    assert Path("/proc/self/ns/net").readlink() == network


def _descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:  # gone already
        return []
    return [found for child in map(int, children) for found in (child, *_descendants(child))]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
