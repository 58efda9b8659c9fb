"""Captures that something else made, as a case."""

from __future__ import annotations

import json
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from plainwire import adopting, pipeline
from plainwire.capture import reader
from plainwire.cli.main import plainwire
from plainwire.model import PacketBatch, UserError
from plainwire.progress import Progress
from tests.export import case as exported
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.case import Case


def packets(path: Path) -> list[tuple[int, int, int, bytes]]:
    """Time, link, length on the wire and bytes of each."""
    found = []
    for batch in reader.read([path]):
        if isinstance(batch, PacketBatch):
            columns = (batch.time_ns, batch.link, batch.length, batch.offset, batch.caplen)
            for time, link, length, at, captured in zip(*(c.tolist() for c in columns), strict=True):
                found.append((time, link, length, batch.data[at : at + captured]))
    return found


def adopted(tmp_path: Path) -> tuple[Case, Path, Path]:
    capture, keys = exported.write(tmp_path)
    case, notes = adopting.adopt([capture], [keys], tmp_path / "case", Progress())
    assert not notes
    return case, capture, keys


def test_the_packets_are_the_same(tmp_path: Path) -> None:
    case, capture, _ = adopted(tmp_path)
    assert packets(case.capture) == packets(capture)
    assert len(packets(capture)) > 10


def test_the_secrets_are_in_it_ahead_of_the_packets(tmp_path: Path) -> None:
    case, _, _ = adopted(tmp_path)
    command = [tool("tshark"), "-n", "-r", str(case.capture), "-Y", "http.request && tls"]
    seen = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(seen) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_secrets_are_taken_along_however_their_file_is_written(tmp_path: Path, encoding: str) -> None:
    capture, keys = exported.write(tmp_path)
    keys.write_bytes(keys.read_text().encode(encoding))
    adopting.adopt([capture], [keys], tmp_path / "case", Progress())
    of_the_case = pipeline.analyze([tmp_path / "case" / "capture.pcapng"])
    assert of_the_case.coverage.decrypted == pipeline.analyze([capture], [keys]).coverage.decrypted == 1


def test_a_file_that_is_no_capture_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "no").write_bytes(b"no capture at all")
    with pytest.raises(UserError):
        adopting.adopt([tmp_path / "no"], [], tmp_path / "case", Progress())
    assert not (tmp_path / "case").exists()


def test_analyze_makes_a_case_that_every_command_reads(tmp_path: Path) -> None:
    capture, keys = exported.write(tmp_path)
    folder = tmp_path / "case"
    words = ["analyze", str(capture), "--keys", str(keys), "-o", str(folder)]
    done = CliRunner().invoke(plainwire, words, standalone_mode=False)
    assert f"plainwire show {folder}" in done.output
    names = ["capture.pcapng", "report.html", "report.index", "report.json"]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys(names, 0o600)
    report = json.loads((folder / "report.json").read_bytes())
    own = pipeline.analyze([capture], [keys])
    assert [finding["code"] for finding in report["findings"]] == [finding.code for finding in own.findings]
    shown = CliRunner().invoke(plainwire, ["show", str(folder), "1"], standalone_mode=False)
    assert "> GET /object?token=[redacted]" in shown.output


def test_a_case_is_not_made_of_a_case(tmp_path: Path) -> None:
    case, _, _ = adopted(tmp_path)
    words = ["analyze", str(case.folder), "-o", str(tmp_path / "other")]
    done = CliRunner().invoke(plainwire, words, standalone_mode=False)
    assert "these are cases already" in str(done.exception)
