"""Programs that fail before a request leaves: only their words tell, and the wire beside says why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.misbehaving import serving
from tests.end_to_end.recorded import record
from tests.needs import needs, tool

if TYPE_CHECKING:
    from tests.end_to_end.recorded import Recorded

CLIENTS = Path(__file__).parent / "clients"
NAME = "api.nowhere.example"
PYTHON = "import http.client, sys; http.client.HTTPSConnection(sys.argv[1], timeout=20).request('GET', '/')"
NODE = "fetch(`https://${process.argv[1]}/`).catch(error => { console.error(error); process.exitCode = 1; })"


@pytest.mark.parametrize("client", ["curl", "python", "node"])
def test_name_that_does_not_exist(tmp_path: Path, client: str) -> None:
    needs("root", "dnsmasq", "unshare", "ip", "mount", client)
    command = {
        "curl": [tool("curl"), "-sS", f"https://{NAME}/"],
        "python": [sys.executable, "-c", PYTHON, NAME],
        "node": [tool("node"), "-e", NODE, NAME],
    }[client]
    inside = [tool("unshare"), "--mount", "--net", sys.executable, CLIENTS / "own_names.py"]
    recorded = record(tmp_path, *command, inside=inside)
    assert recorded.status != 0
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["failure"], finding["connections"]) == ("dns-failure", True, [])
    assert f"{NAME} was not resolved" in finding["claim"]
    assert "127.0.0.1 answered NXDOMAIN" in finding["claim"]


def without_request(folder: Path, kind: str, path: str) -> Recorded:
    (folder / "server").mkdir()
    with serving(folder / "server") as server:
        script = CLIENTS / "without_request.py"
        return record(folder, sys.executable, script, kind, server.url(path), server.authority)


def test_pool_whose_only_connection_waits_for_an_answer(tmp_path: Path) -> None:
    recorded = without_request(tmp_path, "pool", "silence")
    (finding,) = [f for f in recorded.report["findings"] if f["code"] == "pool-wait"]
    assert "1 connection was open then, 1 with an exchange under way" in finding["claim"]
    assert "PoolTimeout" in finding["program_says"]


def test_pool_whose_only_connection_was_not_given_back(tmp_path: Path) -> None:
    recorded = without_request(tmp_path, "unread", "ok")
    (finding,) = [f for f in recorded.report["findings"] if f["failure"]]
    assert finding["code"] == "pool-wait"
    assert "the program had not given them back" in finding["claim"]


def test_program_that_has_no_descriptor_left(tmp_path: Path) -> None:
    recorded = without_request(tmp_path, "files", "ok")
    assert recorded.status != 0
    (finding,) = [f for f in recorded.report["findings"] if f["code"] == "local-resource"]
    opened = len(recorded.report["connections"])
    assert opened > 10
    assert f"of {opened} that it had made" in finding["claim"]
