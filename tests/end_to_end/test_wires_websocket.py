"""WebSockets with permessage-deflate, held against what both ends say that they sent."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.clients.websocket import CODES, MESSAGES
from tests.end_to_end.recorded import Recorded, record, record_all
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

CLIENT, SERVER = 0, 1
SIZE = sum(len(message) for message in MESSAGES)
NGINX = """
map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
server {{
    listen {{0}} ssl;
    location / {{
        proxy_pass http://{}:{};
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout client 30s
    timeout connect 5s
    timeout server 30s
frontend sockets
    bind fd@{descriptor}
    default_backend hypercorn
backend hypercorn
    server hypercorn {host}:{port} proto h2
"""


def the_websocket(recorded: Recorded, port: int) -> dict[str, Any]:
    """The one exchange with ``port``, which became a WebSocket."""
    (exchange,) = recorded.exchanges_with(port)
    assert (exchange["request"]["method"], exchange["response"]["status"]) == ("GET", 101)
    assert exchange["outcome"] == "complete"
    closes = {f"websocket-close-{code}" for code in CODES.values()}
    assert recorded.codes() <= closes | {"close-without-close-notify"}
    return dict(exchange["websocket"])


def assert_messages(websocket: dict[str, Any], *, bye: bool) -> None:
    """What ``clients/websocket.py`` sends, and has echoed."""
    extra = 1 if bye else 0
    assert websocket["messages"] == [len(MESSAGES) + extra, len(MESSAGES)]
    assert websocket["sizes"] == [SIZE + len("bye") * extra, SIZE]
    assert websocket["compressed"]
    assert websocket["defects"] == []
    mine = [f["opcode"] for f in websocket["frames"] if f["from"] == "client"]
    assert mine[:4] == [1, 1, 2, 9]
    assert [f["opcode"] for f in websocket["frames"] if f["from"] == "server"][:4] == [1, 1, 2, 10]


def last_words(output: Path) -> dict[str, Any]:
    """The server's line, which it may be writing yet."""
    for _ in range(100):
        lines = [line for line in output.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
        if lines:
            return dict(json.loads(lines[-1]))
        time.sleep(0.1)
    pytest.fail("the server said nothing")


@pytest.mark.parametrize("who_closes", CODES)
def test_frames_messages_and_close_codes_over_tls(who_closes: str, tmp_path: Path) -> None:
    needs("root")
    papers = certificates.make(tmp_path, (wires.HOST,))
    socket = wires.listening()
    port = socket.getsockname()[1]
    command = wires.python("websocket.py", "serve", socket.fileno(), papers.bundle)
    with wires.started(command, tmp_path / "output", [socket]):
        url = f"wss://{wires.HOST}:{port}/socket"
        recorded = record(tmp_path, *wires.python("websocket.py", "talk", url, papers.authority, who_closes))
        server = last_words(tmp_path / "output")
    client = json.loads(recorded.stdout)
    websocket = the_websocket(recorded, port)
    assert_messages(websocket, bye=who_closes == "server")
    assert websocket["close_codes"] == [client["sent_code"], server["sent_code"]]
    assert {CODES[who_closes]} == {client["got_code"], server["got_code"], *websocket["close_codes"]}
    assert websocket["messages"][CLIENT] == len(server["got"])
    assert websocket["sizes"][CLIENT] == sum(server["got"])


def test_through_nginx_both_sides_of_it_carry_the_same(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        socket = wires.listening()
        behind = socket.getsockname()[1]
        command = wires.python("websocket.py", "serve", socket.fileno())
        stack.enter_context(wires.started(command, tmp_path / "output", [socket]))
        server = stack.enter_context(wires.nginx(tmp_path / "nginx", NGINX.format(wires.HOST, behind)))
        url = f"wss://{wires.HOST}:{server.ports[0]}/socket"
        authority = server.papers.authority
        words = wires.python("websocket.py", "talk", url, authority, "client")
        recorded = record_all(tmp_path, *words)
        last_words(tmp_path / "output")
        (line,) = server.logged()
    assert (line.status, line.target) == (101, "/socket")
    outside = the_websocket(recorded, server.ports[0])
    inside = the_websocket(recorded, behind)
    for websocket in (outside, inside):
        assert_messages(websocket, bye=False)
    assert outside["sizes"] == inside["sizes"]
    assert outside["close_codes"] == inside["close_codes"]
    assert inside["close_codes"][CLIENT] == CODES["client"]


def test_in_http2_as_haproxy_passes_it_on(tmp_path: Path) -> None:
    """RFC 8441: haproxy makes an extended CONNECT of an upgrade."""
    needs("root")
    program = tool("haproxy")
    with contextlib.ExitStack() as stack:
        behind = stack.enter_context(wires.hypercorn(tmp_path / "hypercorn"))
        socket = wires.listening()
        port = socket.getsockname()[1]
        text = HAPROXY.format(descriptor=socket.fileno(), host=wires.HOST, port=behind)
        (tmp_path / "haproxy.cfg").write_text(text, encoding="utf-8")
        command = [program, "-db", "-f", tmp_path / "haproxy.cfg"]
        stack.enter_context(wires.started(command, tmp_path / "haproxy", [socket]))
        url = f"ws://{wires.HOST}:{port}/socket"
        recorded = record_all(tmp_path, *wires.python("websocket.py", "talk", url, "", "client"))
    assert recorded.status == 0
    (exchange,) = recorded.exchanges_with(behind)
    fields = dict(exchange["request"]["headers"])
    assert (fields[":method"], fields[":protocol"]) == ("CONNECT", "websocket")
    assert exchange["protocol"] == "websocket"
    assert_messages(exchange["websocket"], bye=False)
    assert exchange["websocket"]["close_codes"][CLIENT] == CODES["client"]
