"""A name that the C library had to ask for twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.needs import needs, tool

SCRIPT = Path(__file__).parent / "clients" / "slow_name.py"


def test_the_second_it_took_to_ask_again_is_told(tmp_path: Path) -> None:
    needs("root", "tcpdump", "unshare", "ip", "mount")
    capture = tmp_path / "names.pcap"
    command = [tool("unshare"), "--mount", "--net", sys.executable, str(SCRIPT), str(capture)]
    played = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    waited = float(played.stdout)
    assert waited > 1
    analyze = [sys.executable, "-m", "plainwire", "analyze", "--json", str(capture)]
    report = json.loads(subprocess.run(analyze, capture_output=True, timeout=60, check=False).stdout)
    (finding,) = report["findings"]
    assert (finding["code"], finding["failure"]) == ("dns-slow-5s", False)
    assert "slow.example" in finding["claim"]
