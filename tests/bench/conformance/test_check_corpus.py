"""A part of what ``bench/conformance`` shows on the whole corpus: captures that others made, beside tshark.

The captures and tshark's reading of them lie outside this project; without them these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.corpus import corpus

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCRIPT = Path(__file__).resolve().parents[3] / "bench" / "conformance"
_FOUND = 0.99
"""Of tshark's messages in the sample; in the whole corpus it is more."""


def _run(folder: Path, options: Sequence[str]) -> dict[str, Any]:
    result = folder / "result.json"
    command = [sys.executable, str(_SCRIPT), "--corpus", str(corpus()), "--json", str(result), *options]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=540, check=False)
    assert result.exists(), done.stderr
    report: dict[str, Any] = json.loads(result.read_bytes())
    assert report["errors"] == []
    return report


def test_what_tshark_finds_is_found_or_its_lack_explained(tmp_path: Path) -> None:
    report = _run(tmp_path, ["--every", "24", "--secrets"])
    assert len(report["captures"]) > 300
    share = report["found"] / (report["found"] + report["theirs_alone"])
    assert share >= _FOUND, f"{share:.4f}"
    unexplained = [
        (capture["name"], difference["kind"], difference["packets"], difference["says"])
        for capture in report["captures"]
        for difference in capture["differences"]
        if difference["reason"] is None and difference["whose"] != "ours"
    ]
    assert unexplained == []


def test_a_capture_fed_packet_by_packet_gives_the_report_of_the_whole_file(tmp_path: Path) -> None:
    report = _run(tmp_path, ["--every", "15", "--pieces"])
    assert len(report["captures"]) > 100
    differing = {c["name"]: c["pieces"] for c in report["captures"] if c["pieces"] is not None}
    assert differing == {}
