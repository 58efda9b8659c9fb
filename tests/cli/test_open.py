"""``plainwire open``."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from plainwire import pipeline
from plainwire.cli import open as opening
from tests.export import case
from tests.users import USER, as_sudo, open_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_sudo", "open_folder"]


def test_the_command_leads_to_the_packet_that_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the PUT on connection 2: its reset."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    capture, keys = case.write(tmp_path)
    report = pipeline.analyze([capture], [keys])
    reset = report.connections[1].closes[0].packet
    number = next(n for n, f in enumerate(report.findings, 1) if f.code == "reset-mid-request")
    done = CliRunner().invoke(opening.command, [str(capture), "-k", str(keys), "--finding", str(number)])
    words = shlex.split(done.output)
    assert words[:4] == ["wireshark", str(capture), "-o", f"tls.keylog_file:{keys}"]
    assert words[4:6] == ["-g", str(reset)]
    assert "tcp.port == 40002" in words[7]


def watched(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """The processes that are started: ``wireshark`` is this script, and there is a display."""
    program = folder / "wireshark"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("DISPLAY", ":0")
    started: list[subprocess.Popen[str]] = []
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(real(*a, **k)))
    return started


def test_wireshark_is_started_where_it_can_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    started = watched(tmp_path, f'printf %s "$1" >{said}', monkeypatch)
    capture, _ = case.write(tmp_path)
    done = CliRunner().invoke(opening.command, [str(capture)])
    assert (done.exit_code, done.output) == (0, "")
    assert started[0].wait(60) == 0
    assert said.read_text() == str(capture)


def test_a_finding_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    capture, keys = case.write(tmp_path)
    done = CliRunner().invoke(opening.command, [str(capture), "-k", str(keys), "--finding", "9"])
    assert "no finding 9" in str(done.exception)


@pytest.mark.usefixtures("as_sudo")
def test_under_sudo_wireshark_is_the_callers(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = open_folder / "said"
    said.touch()
    os.chown(said, USER, USER)
    started = watched(open_folder, f"id -u >{said}", monkeypatch)
    capture, _ = case.write(open_folder)
    assert CliRunner().invoke(opening.command, [str(capture)]).exit_code == 0
    assert started[0].wait(60) == 0
    assert said.read_text() == f"{USER}\n"


def test_a_name_that_begins_with_a_dash_is_no_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture, _ = case.write(tmp_path)
    capture.rename(tmp_path / "-Xlua.pcap")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(opening.command, ["--print", "./-Xlua.pcap"])
    assert shlex.split(done.output)[1] == str(tmp_path / "-Xlua.pcap")
