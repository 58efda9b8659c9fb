"""Streams through nginx with a limit of silence: in HTTP/1.1, HTTP/2 and WebSockets; and those that end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end import wires
from tests.end_to_end.recorded import Recorded, record
from tests.end_to_end.silences import are_of_one_timer, long_silences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NGINX = """
map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
server {{
    listen {{0}} ssl{};
    location / {{
        proxy_pass http://{}:{};
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_read_timeout 2s;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
    }}
}}
"""


@contextlib.contextmanager
def behind_nginx(folder: Path, *command: object, h2: bool = False) -> Iterator[wires.Nginx]:
    """A server behind nginx; what follows ``command`` is the descriptor of its socket."""
    with contextlib.ExitStack() as stack:
        socket = wires.listening()
        port = socket.getsockname()[1]
        program = [*wires.python(*map(str, command)), socket.fileno()]
        stack.enter_context(wires.started(program, folder / "output", [socket]))
        text = NGINX.format(" http2" if h2 else "", wires.HOST, port)
        yield stack.enter_context(wires.nginx(folder / "nginx", text))


def reads(folder: Path, version: int, server: wires.Nginx, *targets: str) -> Recorded:
    """What comes of reading these, one after another."""
    urls = [server.url(target) for target in targets]
    return record(folder, *wires.python("event_source.py", "read", version, *urls))


@pytest.mark.parametrize("version", [1, 2])
def test_the_same_silence_before_each_cut_is_the_gateways_limit(version: int, tmp_path: Path) -> None:
    with behind_nginx(tmp_path, "event_source.py", "serve", h2=version == 2) as server:
        recorded = reads(tmp_path, version, server, "/silent", "/silent", "/whole")
    assert recorded.stdout.split()[:2] == ["RemoteProtocolError"] * 2
    silences = long_silences(recorded.case.capture, server.ports[0])
    assert len(silences) == 2
    told = [
        f
        for f in recorded.report["findings"]
        if "2 responses were cut after the same silence, " in f["claim"]
    ]
    assert told or not are_of_one_timer(silences), silences
    for finding in told:
        assert recorded.report["findings"] == [finding]
        judged = finding["code"], finding["fault"], finding["certainty"]
        assert judged == ("stream-idle-timeout", "server", "likely")
        assert len(finding["exchanges"]) == 2


@pytest.mark.parametrize("version", [1, 2])
def test_streams_that_end_are_judged_by_their_events(version: int, tmp_path: Path) -> None:
    with behind_nginx(tmp_path, "event_source.py", "serve", h2=version == 2) as server:
        recorded = reads(tmp_path, version, server, "/whole", "/early", "/error")
    codes = {finding["code"]: finding["exchanges"] for finding in recorded.report["findings"]}
    assert {code: len(exchanges) for code, exchanges in codes.items()} == {
        "event-stream-unfinished": 1,
        "event-stream-error": 1,
    }
    failed = next(f for f in recorded.report["findings"] if f["code"] == "event-stream-error")
    assert "The model is overloaded" in failed["quotes"][0]["text"]


def test_a_silent_websocket_is_ended_without_a_close_frame(tmp_path: Path) -> None:
    with behind_nginx(tmp_path, "websocket.py", "serve") as server:
        url = f"wss://{wires.HOST}:{server.ports[0]}/socket"
        recorded = record(tmp_path, *wires.python("websocket.py", "listen", url, server.papers.authority, 2))
    assert recorded.stdout.split() == ["1006", "1006"]
    silences = long_silences(recorded.case.capture, server.ports[0])
    assert len(silences) == 2
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["fault"]) == ("websocket-abnormal-close", "server")
    told = "2 WebSockets ended after the same silence" in finding["claim"]
    assert told or not are_of_one_timer(silences), silences
