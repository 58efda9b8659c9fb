"""What clients print of eight failures, on both outputs, at once or kept back, is tied to the right ones.

The client itself writes down when it was at which failure. What was said then, or names its path, must be
about the exchange with that path (or, where nothing listened, about the connection that was refused).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.misbehaving import serving
from tests.end_to_end.recorded import record
from tests.needs import tool, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.misbehaving import Misbehaving

CLIENTS = Path(__file__).parent / "clients"
MODES = ("traceback", "logging", "print", "buffered")
FAULTS = ("close", "reset", "half-close", "half-reset", "nonsense", "silence", "busy", "refused")
SLACK = 0.05
"""Seconds between the client's clock and what it prints: it is told of behind the failure."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Misbehaving]:
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as running:
        yield running


@pytest.fixture
def refused() -> Iterator[str]:
    """A port on which nobody listens, and nobody will."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"https://127.0.0.1:{bound.getsockname()[1]}/"


def judge(folder: Path, report: dict[str, Any], *, by_time: bool = True) -> None:
    """Each failure has words, and no words have another failure."""
    times = [json.loads(line) for line in (folder / "truth").read_text().splitlines()] if by_time else []
    targets = {e["id"]: e["request"]["target"].strip("/") for e in report["exchanges"] if e["request"]}
    tied: dict[str, list[str]] = {fault: [] for fault in FAULTS}
    for said in report["program"]["said"]:
        about = (
            "refused" if said["code"] == "connection-refused" else targets.get(said["exchange"], said["code"])
        )
        meant = [fault for fault in FAULTS if f"/{fault} " in f"{said['text']} ".replace('"', " ")]
        if said["time"] is not None:
            meant = [fault for fault, began, ended in times if began <= said["time"] <= ended + SLACK]
        if meant:
            assert about in meant, said
            tied[about].append(said["text"])
    missing = [fault for fault, words in tied.items() if not words]
    assert missing == [], report["program"]["said"]


def run(folder: Path, server: Misbehaving, refused: str, *command: object) -> None:
    recorded = record(folder, *command, server.url(""), refused, server.authority, folder / "truth")
    assert "no failure" not in recorded.stdout
    judge(folder, recorded.report)


@pytest.mark.parametrize("mode", MODES)
def test_http_client(tmp_path: Path, server: Misbehaving, refused: str, mode: str) -> None:
    run(tmp_path, server, refused, sys.executable, CLIENTS / "eight_failures.py", "http_client", mode)


@pytest.mark.parametrize(
    ("library", "mode"),
    [
        ("requests", "traceback"),
        ("requests", "buffered"),
        ("urllib3", "logging"),
        ("httpx", "print"),
        ("httpx", "traceback"),
        ("aiohttp", "logging"),
        ("aiohttp", "buffered"),
        ("botocore", "traceback"),
        ("botocore", "print"),
    ],
)
def test_libraries_of_python(
    tmp_path: Path, server: Misbehaving, refused: str, library: str, mode: str
) -> None:
    run(tmp_path, server, refused, sys.executable, CLIENTS / "eight_failures.py", library, mode)


@pytest.mark.parametrize("version", ["2.7", "3.8", "3.11", "3.12", "3.13"])
def test_other_pythons(tmp_path: Path, server: Misbehaving, refused: str, version: str) -> None:
    python = other_python(version)
    run(tmp_path, server, refused, python, CLIENTS / "eight_failures.py", "http_client", "traceback")


def other_python(version: str) -> Path:
    """An interpreter of this version that works; those of pyenv are not all on the search path."""
    found = shutil.which(f"python{version}")
    versions = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    places = [*versions.glob(f"{version}.*/bin/python"), *([Path(found)] if found else [])]
    works = [place for place in places if _has_tls(place)]
    return works[0] if works else without(f"Python {version}", part_of_the_judgement=False)


def _has_tls(python: Path) -> bool:
    return (
        subprocess.run([python, "-c", "import ssl"], capture_output=True, timeout=60, check=False).returncode
        == 0
    )


@pytest.mark.parametrize(
    ("library", "mode"),
    [
        ("https", "traceback"),
        ("https", "print"),
        ("fetch", "traceback"),
        ("fetch", "print"),
        ("axios", "print"),
        ("got", "logging"),
    ],
)
def test_node(
    tmp_path: Path,
    server: Misbehaving,
    refused: str,
    library: str,
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(server.authority))
    script = tmp_path / "eight_failures.js"
    shutil.copyfile(CLIENTS / script.name, script)
    if library in ("axios", "got"):
        (tmp_path / "package.json").write_text("{}")
        words = [tool("npm"), "install", "--no-audit", "--no-fund", library]
        if subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=120, check=False).returncode:
            without(f"npm could not fetch {library}", part_of_the_judgement=False)
    run(tmp_path, server, refused, tool("node"), script, library, mode)


FETCHED = {
    "curl": 'curl -sS -m 1 --fail --cacert "$3" -o /dev/null "$url"',
    "wget": 'wget -nv --tries=1 -T 1 --ca-certificate="$3" -O /dev/null "$url"',
}


@pytest.mark.parametrize("client", sorted(FETCHED))
def test_commands(tmp_path: Path, server: Misbehaving, refused: str, client: str) -> None:
    tool(client)
    lines = "; ".join(
        f'url="${2 if fault == "refused" else 1}{fault}"; began=$(date +%s.%N); {FETCHED[client]}; '
        f'echo "[\\"{fault}\\", $began, $(date +%s.%N)]" >> "$4"'
        for fault in FAULTS
    )
    run(tmp_path, server, refused, "/bin/sh", "-c", lines, "sh")
