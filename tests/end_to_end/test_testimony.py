"""Real clients against a server that misbehaves: what they say, held against the wire."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.misbehaving import serving
from tests.end_to_end.recorded import record
from tests.needs import tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.misbehaving import Misbehaving
    from tests.end_to_end.recorded import Recorded

CLIENT = Path(__file__).parent / "clients" / "one_request.py"
MIXES_UP = (3, 10) <= sys.version_info[:2] < (3, 13)
"""Whether this Python may report a reset under TLS as an end of file."""
NODE = """
const https = require('https'), fs = require('fs');
const [address, authority] = process.argv.slice(-2);
const failed = error => { console.error(error); process.exitCode = 1; };
https.get(address, {ca: fs.readFileSync(authority), agent: false}, response => {
  response.on('error', failed);
  response.resume();
}).on('error', failed);
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Misbehaving]:
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as running:
        yield running


def asked(folder: Path, server: Misbehaving, client: str, fault: str) -> Recorded:
    """One request by one client."""
    url, authority = server.url(fault), server.authority
    if client == "curl":
        return record(folder, tool("curl"), "-sS", "--cacert", authority, "-m", 20, "-o", "/dev/null", url)
    if client == "node":
        script = folder / "client.js"
        script.write_text(NODE)
        # Its own TLS library is part of its file: it writes its secrets where it is told to.
        command = f'exec {tool("node")} --tls-keylog="$SSLKEYLOGFILE" "$@"'
        return record(folder, "/bin/sh", "-c", command, "-", script, url, authority)
    return record(folder, sys.executable, CLIENT, client, url, authority)


def says(recorded: Recorded) -> str:
    """What the program says by the findings of its failures."""
    return " ".join(finding["program_says"] for finding in recorded.report["findings"] if finding["failure"])


@pytest.mark.parametrize(
    ("client", "label"),
    [
        ("http.client", "RemoteDisconnected"),
        ("requests", "RemoteDisconnected"),
        ("httpx", "Server disconnected without sending a response"),
        ("aiohttp", "ServerDisconnectedError"),
        ("curl", "exit status 52"),
        ("node", "socket hang up"),
    ],
)
def test_close_without_an_answer(tmp_path: Path, server: Misbehaving, client: str, label: str) -> None:
    recorded = asked(tmp_path, server, client, "close")
    assert recorded.status != 0
    assert label in says(recorded)
    assert "contradict" not in says(recorded)


@pytest.mark.parametrize("client", ["http.client", "requests", "httpx"])
def test_reset_without_an_answer_in_a_python_that_mixes_it_up(
    tmp_path: Path, server: Misbehaving, client: str
) -> None:
    recorded = asked(tmp_path, server, client, "reset")
    told = says(recorded)
    assert "the wire shows a reset before any byte of the response" in told
    assert "failed with ECONNRESET" in told
    if MIXES_UP:
        assert "This version's words cannot tell the two apart; the packets can." in told


@pytest.mark.parametrize("client", ["aiohttp", "curl", "node"])
def test_reset_in_mid_response(tmp_path: Path, server: Misbehaving, client: str) -> None:
    told = says(asked(tmp_path, server, client, "half-reset"))
    assert "failed with ECONNRESET" in told
    assert "contradict" not in told


@pytest.mark.parametrize(
    ("client", "label"),
    [
        ("http.client", "IncompleteRead"),
        ("requests", "IncompleteRead"),
        ("httpx", "peer closed connection without sending complete message body"),
        ("aiohttp", "ClientPayloadError"),
        ("curl", "exit status 18"),
        ("node", "aborted"),
    ],
)
def test_response_cut_by_a_close(tmp_path: Path, server: Misbehaving, client: str, label: str) -> None:
    told = says(asked(tmp_path, server, client, "half-close"))
    assert label in told
    assert "contradict" not in told


@pytest.mark.parametrize("client", ["http.client", "requests", "httpx", "aiohttp"])
def test_no_answer_until_the_client_gave_up(tmp_path: Path, server: Misbehaving, client: str) -> None:
    told = says(asked(tmp_path, server, client, "silence"))
    assert "no answer until the client gave up" in told
    assert "contradict" not in told


def test_process_and_its_version_are_what_they_say(tmp_path: Path, server: Misbehaving) -> None:
    recorded = asked(tmp_path, server, "curl", "ok")
    (process,) = recorded.report["program"]["processes"]
    version = subprocess.run(
        [tool("curl"), "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert (process["runtime"], process["version"]) == ("curl", version.stdout.split()[1])
    assert process["exit_status"] == recorded.report["program"]["exit_status"] == 0


@pytest.mark.parametrize("client", ["http.client", "requests", "httpx", "aiohttp", "curl", "node"])
def test_nothing_is_told_of_a_healthy_program(tmp_path: Path, server: Misbehaving, client: str) -> None:
    recorded = asked(tmp_path, server, client, "ok")
    program = recorded.report["program"]
    assert (recorded.status, program["said"], program["remarks"]) == (0, [], [])
    assert recorded.report["attempts"] is None


def test_hidden_repetition_is_counted(tmp_path: Path, server: Misbehaving) -> None:
    """Of a GET without an answer aiohttp says nothing: it repeats it once by itself."""
    recorded = asked(tmp_path, server, "aiohttp", "once")
    assert recorded.status == 0
    attempts = recorded.report["attempts"]
    assert {name: attempts[name] for name in ("sent", "failed", "asked", "repeated", "hidden")} == {
        "sent": 2,
        "failed": 1,
        "asked": 1,
        "repeated": 1,
        "hidden": 1,
    }
    assert (attempts["rate"], attempts["seen_rate"]) == (0.5, 0)
    assert attempts["backoff"].startswith("at once")
    assert "Nothing about it was seen in its output; it ended with status 0." in says(recorded)


def test_error_that_is_not_the_networks_is_told_as_such(tmp_path: Path, server: Misbehaving) -> None:
    code = (
        "import ssl, sys, urllib.request as u\n"
        "u.urlopen(sys.argv[1], context=ssl.create_default_context(cafile=sys.argv[2])).read()\n"
        "{}['a key that is not there']\n"
    )
    recorded = record(tmp_path, sys.executable, "-c", code, server.url("ok"), server.authority)
    program = recorded.report["program"]
    assert [said["exchange"] for said in program["said"]] == [None]
    assert program["said"][0]["text"].startswith("KeyError")
    assert program["remarks"][0].startswith("Nothing that was seen on the wire explains")
