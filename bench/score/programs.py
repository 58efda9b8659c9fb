"""The client programs: how each is started, and whether it can be had on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from plainwire.lab.scenario import CLIENTS

FOLDER = Path(__file__).parent / "clients"
OWN = "http.client"


@dataclass(frozen=True)
class Program:
    """``command`` goes before host, port and so on.

    ``keyless``: its TLS is out of the reach of ``plainwire run`` (or, with Go, all of its connections
    but those in its key log): what counts is the capture, read with the server's secrets.
    """

    name: str
    command: tuple[str, ...]
    keyless: bool = False


def available(wanted: set[str], build: Path) -> tuple[list[Program], dict[str, str]]:
    """The programs that can be had, and why the others cannot. ``build`` takes what must be compiled."""
    found: list[Program] = []
    absent: dict[str, str] = {}
    for name, find in FINDERS.items():
        if wanted and name not in wanted:
            continue
        program = find(build)
        if isinstance(program, str):
            absent[name] = program
        else:
            found.append(program)
    return found, absent


def _python(name: str, script: Path, package: str = "") -> Program | str:
    if package and importlib.util.find_spec(package) is None:
        return f"the Python package {package} is not installed"
    return Program(name, (sys.executable, str(script)))


def _curl(_build: Path) -> Program | str:
    if shutil.which("curl") is None:
        return "no curl"
    return Program("curl", (sys.executable, str(FOLDER / "curl_serial.py")))


def _node(_build: Path) -> Program | str:
    if shutil.which("node") is None:
        return "no node"
    return Program("node", ("node", str(FOLDER / "serial.mjs")), keyless=True)


def _go(build: Path) -> Program | str:
    target = build / "go-client"
    failed = _compile("go", ["go", "build", "-o", str(target), str(FOLDER / "serial.go")], target, build)
    return failed or Program("go", (str(target),), keyless=True)


def _java(build: Path) -> Program | str:
    target = build / "Serial.class"
    failed = _compile("javac", ["javac", "-d", str(build), str(FOLDER / "Serial.java")], target, build)
    return failed or Program(
        "java", ("java", "-XX:TieredStopAtLevel=1", "-cp", str(build), "Serial"), keyless=True
    )


def _compile(tool: str, command: list[str], target: Path, build: Path) -> str:
    """Why it cannot be had; empty where ``target`` is there."""
    if target.exists():
        return ""
    if shutil.which(tool) is None:
        return f"no {tool}"
    environment = {"PATH": os.environ["PATH"], "HOME": str(build)}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False)
    return "" if target.exists() else f"{tool} failed: {done.stderr.decode(errors='replace').strip()[:200]}"


FINDERS = {
    OWN: lambda _build: _python(OWN, CLIENTS / "serial.py"),
    "requests": lambda _build: _python("requests", FOLDER / "requests_serial.py", "requests"),
    "httpx": lambda _build: _python("httpx", FOLDER / "httpx_serial.py", "httpx"),
    "aiohttp": lambda _build: _python("aiohttp", FOLDER / "aiohttp_serial.py", "aiohttp"),
    "curl": _curl,
    "node": _node,
    "go": _go,
    "java": _java,
}
