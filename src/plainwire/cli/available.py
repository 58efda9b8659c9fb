"""What ``plainwire --version`` tells: the version, and what can be done on this machine."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import version
from importlib.util import find_spec

from plainwire import kernel
from plainwire.acquire import interposer

_EXTRAS = {
    "starlette": ("plainwire ui", "ui"),
    "mcp": ("plainwire mcp", "mcp"),
    "duckdb": ("plainwire query, export --parquet", "query"),
    "distributed": ("plainwire analyze --cluster", "cluster"),
}
"""Packages that are not always there, what needs them, and the extra that brings them."""


def text() -> str:
    """Return it, a line each."""
    return "\n".join([f"plainwire {version('plainwire')}", *(f"  {line}" for line in _lines())])


def _lines() -> list[str]:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{platform.system()} {platform.release()} on {platform.machine()}"
    compiled = interposer.compiled() is not None
    lines = [
        f"{python}, {machine}",
        f"secrets from inside programs: {'yes' if compiled else 'no, installed without a C compiler'}",
        f"kernel: {_kernel()}",
        f"live capture: {_capture()}",
        *(f"{name}: {shutil.which(name) or 'not found'}" for name in ("wireshark", "tshark")),
    ]
    for package, (what, extra) in _EXTRAS.items():
        there = find_spec(package) is not None
        lines.append(f"{what}: {'yes' if there else f'no, pip install plainwire[{extra}]'}")
    return lines


def _kernel() -> str:
    if kernel.compiled is not None:
        return f"compiled, {kernel.compiled.VERSION}"
    return "none, Python reads and writes all (installed without Rust, or switched off)"


def _capture() -> str:
    if platform.system() != "Linux":
        return "no, on Linux only; captures can be read"
    if os.geteuid() == 0 and find_spec("cypcap") is not None:
        return "yes, as root"
    return "with dumpcap, where you may run it" if shutil.which("dumpcap") else "no: as root, or with dumpcap"
