"""One traffic at two places: the lab's middlebox, nginx behind haproxy; and what works beside what fails."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from plainwire.lab import certificates
from tests.end_to_end import picky
from tests.end_to_end.networks import Network, join, network
from tests.end_to_end.two_places import captured
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 120


def compared(near: Path, far: Path, *keys: Path) -> dict[str, Any]:
    words = [sys.executable, "-m", "plainwire", "compare", near, far, "--json"]
    words += [word for key in keys for word in ("--keys", key)]
    done = subprocess.run(list(map(str, words)), capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["places"]
    return found


@pytest.mark.parametrize(
    ("scenario", "who"),
    [
        ("middlebox-injected-reset", "between"),
        ("nat-idle-drop", "between"),
        ("nat-idle-reset", "between"),
        ("lb-idle-reset", "between"),
        ("keepalive-idle-race", "server"),
    ],
)
def test_who_it_was_is_proved_by_the_second_place(scenario: str, who: str, tmp_path: Path) -> None:
    needs("root", "dumpcap")
    command = [sys.executable, "-m", "tests.end_to_end.two_places", scenario, str(tmp_path)]
    subprocess.run(command, capture_output=True, check=True)
    near, far, keys = tmp_path / "case", tmp_path / "far.pcapng", tmp_path / "server.keys"
    for first, second, name in ((near, far, "A"), (far, near, "B")):
        found = compared(first, second, keys)
        assert found["near"] == name
        assert abs(found["clocks"]["ahead"]) <= found["clocks"]["error"] + 0.001
        assert found["decided"]
        assert {(each["who"], each["certainty"]) for each in found["decided"]} == {(who, "proved")}


@contextlib.contextmanager
def serving(where: Network, host: str, port: int, *command: object) -> Iterator[None]:
    with subprocess.Popen(list(map(str, [*where.inside, *command])), stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + PATIENCE
            ask = f"import socket; socket.create_connection(('{host}', {port}), 5)"
            asking = list(map(str, [*where.inside, sys.executable, "-c", ask]))
            while subprocess.run(asking, stderr=subprocess.DEVNULL, check=False).returncode:
                assert time.monotonic() < deadline, command
                assert server.poll() is None, command
            yield
        finally:
            server.terminate()


NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log; user root;
events {{ }}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen {host}:8080;
        location / {{ return 200 "yes"; }}
        location /closed {{ return 444; }}
        location /sorry {{ return 503 "later"; }}
        location /slow {{ proxy_pass http://{host}:{silent}; }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 2s
    retries 0
frontend front
    bind {host}:8000
    http-request reject if {{ path /rejected }}
    http-request return status 429 if {{ path /limited }}
    default_backend behind
backend behind
    server one {server}:8080
"""
CLIENT = """
import http.client
for target in {targets}:
    client = http.client.HTTPConnection("{host}", 8000, timeout=60)
    try:
        client.request("GET", target)
        client.getresponse().read()
    except OSError:
        pass
"""
TRUTH = {
    "/closed": ("server", "ended its connection"),
    "/sorry": ("server", "status 503"),
    "/slow": ("between", "gave the request up"),
    "/rejected": ("between", "never came to B"),
    "/limited": ("between", "never came to B"),
}
"""Who made each failure, and how that is told."""


def test_what_fails_behind_a_proxy_and_what_in_it(tmp_path: Path) -> None:
    needs("root", "haproxy", "nginx", "dumpcap")
    with network() as outside, network() as middle, network() as inside:
        _, front = join(outside, middle, 31, names=("out", "front"))
        back, host = join(middle, inside, 32, names=("back", "in"))
        assert back != host
        with inside.listening(host) as silent:
            port = silent.getsockname()[1]
            (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, host=host, silent=port))
            (tmp_path / "haproxy.cfg").write_text(HAPROXY.format(host=front, server=host))
            targets = [target for target in TRUTH for target in ("/ok" + target, target)]
            with (
                serving(inside, host, 8080, tool("nginx"), "-c", tmp_path / "nginx.conf"),
                serving(middle, front, 8000, tool("haproxy"), "-db", "-f", tmp_path / "haproxy.cfg"),
                captured(tmp_path / "near.pcapng", *outside.inside),
                captured(tmp_path / "far.pcapng", *inside.inside),
            ):
                program = CLIENT.format(targets=targets, host=front)
                command = list(map(str, [*outside.inside, sys.executable, "-c", program]))
                subprocess.run(command, timeout=PATIENCE, check=True)
        found = compared(tmp_path / "near.pcapng", tmp_path / "far.pcapng")
        shown = [sys.executable, "-m", "plainwire", "show", str(tmp_path / "near.pcapng"), "--json"]
        asked = {e["id"]: e["request"]["target"] for e in json.loads(subprocess.check_output(shown))}
    assert found["near"] == "A"
    assert found["connections"] == 0
    decided = {asked[each["exchange"]]: each for each in found["decided"]}
    assert decided.keys() == TRUTH.keys()
    for target, (who, says) in TRUTH.items():
        assert (decided[target]["who"], decided[target]["certainty"]) == (who, "proved"), target
        assert says in decided[target]["says"]
        assert {each["place"] for each in decided[target]["evidence"]} >= {"A"}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A case for each thing that a server minds, and one without any."""
    needs("root")
    folder = tmp_path_factory.mktemp("planted")
    issued = certificates.make(folder, ("localhost", "127.0.0.1"))
    both = folder / "server.pem"
    both.write_bytes(issued.chain.read_bytes() + issued.key.read_bytes())
    client = Path(__file__).parent / "clients" / "planted.py"
    with picky.serving(both) as port:
        for what in ("nothing", *PLANTED):
            program = [sys.executable, client, port, issued.authority, what]
            words = [sys.executable, "-m", "plainwire", "run", "-qo", folder / what, "--", *program]
            subprocess.run(list(map(str, words)), timeout=PATIENCE, check=True)
    return {what: folder / what for what in ("nothing", *PLANTED)}


PLANTED = {
    "hello": "ClientHello",
    "alpn": "protocols offered (ALPN)",
    "sni": "server name (SNI)",
    "fields": "header fields",
    "reuse": "connections",
}
"""What was planted, and the property by which it shows."""


@pytest.mark.parametrize("what", PLANTED)
def test_what_works_and_what_fails_differ_in_what_was_planted(what: str, planted: dict[str, Path]) -> None:
    words = [sys.executable, "-m", "plainwire", "compare", planted["nothing"], planted[what], "--json"]
    done = subprocess.run(list(map(str, words)), capture_output=True, check=False)
    assert done.returncode == 1
    found = json.loads(done.stdout)["differences"]
    assert found["failing"] == "B"
    differences = {each["name"]: (each["a"], each["b"]) for each in found["found"]}
    assert PLANTED[what] in differences
    late = {"header fields", "connections", "longest idle time"}
    others = [name for key, name in PLANTED.items() if key != what and (what != "hello" or key != "alpn")]
    if what not in {"fields", "reuse"}:  # where no request was sent nothing is known of requests
        others = [name for name in others if name not in late]
    assert not differences.keys() & set(others)


def test_a_case_beside_itself_has_no_failure(planted: dict[str, Path]) -> None:
    words = [sys.executable, "-m", "plainwire", "compare", planted["nothing"], planted["nothing"]]
    said = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert said.returncode == 0
    assert "no failure" in said.stdout
