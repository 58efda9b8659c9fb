"""Content codings and the rarer forms of messages, held against the origin that makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end import wires
from tests.end_to_end.clients import origin as made
from tests.end_to_end.recorded import Recorded, record
from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODED = {
    "/coded": [],
    "/coded/gzip": ["gzip"],
    "/coded/deflate": ["deflate"],
    "/coded/deflate-raw": ["deflate"],
    "/coded/br": ["br"],
    "/coded/zstd": ["zstd"],
    "/coded/br/gzip": ["br", "gzip"],
}
NGINX = """
server {{
    listen {{0}} ssl http2;
    location / {{
        proxy_pass http://{}:{};
        proxy_http_version 1.1;
        proxy_buffering off;
    }}
}}
"""
CURL_TIMEOUT = 28  # CURLE_OPERATION_TIMEDOUT


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[int]:
    needs("root", "curl")
    socket = wires.listening()
    port: int = socket.getsockname()[1]
    with wires.started(wires.python("origin.py", socket.fileno()), tmp_path / "origin", [socket]):
        yield port


@pytest.fixture
def nginx(origin: int, tmp_path: Path) -> Iterator[wires.Nginx]:
    with wires.nginx(tmp_path / "nginx", NGINX.format(wires.HOST, origin)) as server:
        yield server


def fetched(folder: Path, port: int, *words: object) -> tuple[Recorded, dict[str, Any]]:
    """What curl does with ``words``, and its one exchange with ``port``."""
    recorded = record(folder, "curl", "-s", "-w", "%{http_code}|%{size_download}", *words)
    (exchange,) = recorded.exchanges_with(port)
    return recorded, exchange


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_codings_of_an_origin_behind_nginx(http: str, nginx: wires.Nginx, tmp_path: Path) -> None:
    command = ["curl", "-s", http, "--raw", "--cacert", nginx.papers.authority, "-w", "%{size_download}\n"]
    for target in CODED:
        command += ["-o", "/dev/null", nginx.url(target)]
    recorded = record(tmp_path, *command)
    exchanges = recorded.exchanges_with(nginx.ports[0])
    assert [e["request"]["target"] for e in exchanges] == list(CODED)
    assert [e["response"]["body_size"] for e in exchanges] == [int(size) for size in recorded.stdout.split()]
    assert [(line.target, line.body_size) for line in nginx.logged()] == [
        (e["request"]["target"], e["response"]["body_size"]) for e in exchanges
    ]
    assert recorded.report["findings"] == []
    for exchange in exchanges:
        _assert_content(exchange["response"], CODED[exchange["request"]["target"]])


def _assert_content(response: dict[str, Any], codings: list[str]) -> None:
    size = len(made.TEXT)
    if codings:
        assert response["content"] == {
            "codings": codings,
            "decoded_size": size,
            "complete": True,
            "defect": None,
        }
    else:
        assert "content" not in response
        assert response["body_size"] == size


def test_a_stream_of_events_that_ends(origin: int, tmp_path: Path) -> None:
    _, exchange = fetched(tmp_path, origin, "-o", "/dev/null", f"http://{wires.HOST}:{origin}/events")
    assert (exchange["outcome"], exchange["response"]["events"]) == ("complete", made.EVENTS)


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_a_stream_of_events_that_the_client_leaves(http: str, nginx: wires.Nginx, tmp_path: Path) -> None:
    words = [http, "-m", "2", "--cacert", nginx.papers.authority, "-o", "/dev/null", nginx.url("/endless")]
    recorded, exchange = fetched(tmp_path, nginx.ports[0], *words)
    assert recorded.status == CURL_TIMEOUT
    assert exchange["response"]["events"] == made.EVENTS
    assert (exchange["response"]["complete"], exchange["outcome"]) == (False, "aborted")
    # By the time it may look like a limit of the client's own, and is one; a machine at work blurs that.
    assert recorded.codes() in ({"client-abort"}, {"client-timeout-too-short"})


def test_trailers(origin: int, tmp_path: Path) -> None:
    recorded, exchange = fetched(
        tmp_path, origin, "-o", "/dev/null", f"http://{wires.HOST}:{origin}/trailers"
    )
    assert recorded.stdout == f"200|{exchange['response']['body_size']}"
    assert exchange["response"]["trailers"] == [["X-Checksum", "7"], ["X-Left", "nothing"]]
    assert exchange["outcome"] == "complete"


def test_an_interim_response(origin: int, tmp_path: Path) -> None:
    _, exchange = fetched(tmp_path, origin, "-o", "/dev/null", f"http://{wires.HOST}:{origin}/hints")
    assert [response["status"] for response in exchange["interim"]] == [103]
    assert (exchange["response"]["status"], exchange["outcome"]) == (200, "complete")


def test_a_response_that_ends_with_the_connection(origin: int, tmp_path: Path) -> None:
    recorded, exchange = fetched(tmp_path, origin, "-o", "/dev/null", f"http://{wires.HOST}:{origin}/old")
    assert recorded.stdout == f"200|{exchange['response']['body_size']}"
    assert (exchange["response"]["version"], exchange["outcome"]) == ("HTTP/1.0", "complete")
    assert recorded.report["findings"] == []


@pytest.mark.parametrize(("target", "status", "interim"), [("/taken", 200, [100]), ("/unwanted", 417, [])])
def test_a_client_that_asks_before_it_sends(
    target: str, status: int, interim: list[int], origin: int, tmp_path: Path
) -> None:
    (tmp_path / "upload").write_bytes(made.TEXT)
    words = ["-H", "Expect: 100-continue", "--data-binary", f"@{tmp_path / 'upload'}", "-o", "/dev/null"]
    recorded, exchange = fetched(tmp_path, origin, *words, f"http://{wires.HOST}:{origin}{target}")
    assert recorded.stdout.split("|")[0] == str(status) == str(exchange["response"]["status"])
    assert [response["status"] for response in exchange.get("interim", [])] == interim
    assert exchange["request"]["body_size"] == (len(made.TEXT) if interim else 0)
    assert exchange["outcome"] == "complete"
    assert recorded.report["findings"] == []


MOVED = """
server {
    listen {0} ssl;
    location /api {
        if ($request_uri !~ /$) { return 301 $request_uri/; }
        if ($request_method != POST) { return 405; }
        return 200;
    }
    location /here { return 302 https://{1}/there; }
}
server {
    listen {1} ssl;
    location / {
        if ($http_authorization = "") { return 401; }
        return 200;
    }
}
"""


def test_redirects_on_which_curl_loses_the_method_and_the_credentials(tmp_path: Path) -> None:
    needs("root", "curl")
    with wires.nginx(tmp_path / "nginx", MOVED, hosts=(wires.HOST, wires.HOST)) as server:
        common = ("-L", "--cacert", server.papers.authority, "-o", "/dev/null")
        post = (*common, "-d", "x=1", server.url("/api"))
        get = (*common, "-H", "Authorization: Bearer a-token", server.url("/here"))
        recorded = record(tmp_path, "curl", "-s", *post, "--next", "-s", *get)
    statuses = {e["id"]: e["response"]["status"] for e in recorded.report["exchanges"]}
    lost = [f for f in recorded.report["findings"] if f["code"] == "redirect-changed-request"]
    assert sorted(statuses[number] for f in lost for number in f["exchanges"]) == [401, 405]
    assert {f["fault"] for f in lost} == {"both"}
