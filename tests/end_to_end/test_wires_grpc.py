"""gRPC by grpcio: methods, statuses, messages and their numbers, held against the client's own words.

grpcio carries a TLS library of its own (BoringSSL, built in). Over TLS nginx stands in front of the server:
it runs under plainwire as well, or does not.
"""

from __future__ import annotations

import json
import shlex
import time
from typing import TYPE_CHECKING, Any

import pytest

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.clients.rpc import COUNT, LARGE, MESSAGE
from tests.end_to_end.recorded import record
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NGINX = """
server {{
    listen {host}:{port} ssl http2;
    ssl_protocols TLSv1.3;
    location / {{ grpc_pass grpc://{host}:{behind}; }}
}}
"""
MESSAGES = {"Echo": [1, 1], "Refuse": [1, 0], "Count": [1, COUNT], "Collect": [COUNT, 1]}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    needs("root")
    file = tmp_path / "port"
    with wires.started(wires.python("rpc.py", "serve", file), tmp_path / "server") as process:
        for _ in range(600):
            if file.exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        yield int(file.read_text(encoding="ascii"))


def assert_calls_agree(exchanges: list[dict[str, Any]], said: list[dict[str, Any]]) -> None:
    """What the report says of each call, and what the client says."""
    assert [
        {key: exchange["grpc"][key] for key in ("method", "status", "message")} for exchange in exchanges
    ] == [{key: call[key] for key in ("method", "status", "message")} for call in said]
    counted = {e["grpc"]["method"].rpartition("/")[2]: e["grpc"]["messages"] for e in exchanges}
    assert counted == MESSAGES
    size = len(MESSAGE)
    assert [call["got"] for call in said] == [[size], [], [size] * COUNT, [size * COUNT]]
    assert {e["outcome"] for e in exchanges} == {"complete"}


def test_calls_in_clear_text(server: int, tmp_path: Path) -> None:
    recorded = record(tmp_path, *wires.python("rpc.py", "talk", f"{wires.HOST}:{server}"))
    exchanges = recorded.exchanges_with(server)
    assert_calls_agree(exchanges, json.loads(recorded.stdout))
    assert recorded.codes() == {"grpc-status-not-found"}


def test_a_call_that_the_client_leaves(server: int, tmp_path: Path) -> None:
    recorded = record(tmp_path, *wires.python("rpc.py", "leave", f"{wires.HOST}:{server}"))
    assert recorded.stdout == f"{len(MESSAGE)}\n"
    (exchange,) = recorded.exchanges_with(server)
    assert (exchange["grpc"]["status"], exchange["grpc"]["messages"]) == (None, [1, 1])
    assert (exchange["reset"]["from"], exchange["reset"]["name"]) == ("client", "CANCEL")
    assert exchange["outcome"] == "aborted"
    assert recorded.codes() == {"client-abort"}


def test_calls_that_fail_are_told_by_their_status_and_what_explains_it(server: int, tmp_path: Path) -> None:
    recorded = record(tmp_path, *wires.python("rpc.py", "fail", f"{wires.HOST}:{server}"))
    said = json.loads(recorded.stdout)
    found = {finding["code"]: finding for finding in recorded.report["findings"]}
    names = {"grpc-status-resource-exhausted": 8, "grpc-status-unknown": 2}
    assert {f["code"] for f in recorded.report["findings"] if f["code"].startswith("grpc-")} >= set(names)
    assert {call["status"] for call in said} == {2, 4, 8}
    large = found["grpc-status-resource-exhausted"]
    assert "The client's message has 300000 bytes, above the limit of 100000" in large["claim"]
    (quote,) = large["quotes"]
    assert "larger than max" in quote["text"]
    deadline = found.get("grpc-status-deadline-exceeded") or found["client-timeout-too-short"]
    assert "deadline" in deadline["claim"]
    assert "grpc-timeout" in deadline["claim"]


def test_a_response_above_the_clients_own_limit_is_not_said_to_be_a_flood(
    server: int, tmp_path: Path
) -> None:
    recorded = record(tmp_path, *wires.python("rpc.py", "large", f"{wires.HOST}:{server}"))
    assert recorded.stdout == "RESOURCE_EXHAUSTED\n"
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["fault"]) == ("client-abort", "both")
    assert f"largest message has {LARGE} bytes" in finding["claim"]


def test_calls_over_tls_are_read_where_nginx_ends_it(server: int, tmp_path: Path) -> None:
    program = tool("nginx")
    folder = tmp_path / "nginx"
    folder.mkdir()
    papers = certificates.make(folder, (wires.HOST,))
    with wires.listening() as free:
        port = free.getsockname()[1]
    servers = NGINX.format(host=wires.HOST, port=port, behind=server)
    (folder / "nginx.conf").write_text(wires.nginx_configuration(folder, papers, servers), encoding="utf-8")
    client = shlex.join(
        str(word) for word in wires.python("rpc.py", "talk", f"{wires.HOST}:{port}", papers.authority)
    )
    both = f"{program} -p {folder} -c {folder}/nginx.conf & server=$!; {client}; kill $server; wait $server"
    recorded = record(tmp_path, "sh", "-c", both)
    said = json.loads(recorded.stdout)
    assert_calls_agree(recorded.exchanges_with(port), said)
    (outside,) = (c for c in recorded.report["connections"] if c["server"].endswith(f":{port}"))
    assert (outside["tls"]["version"], outside["tls"]["alpn"]) == ("TLS 1.3", "h2")
    logged = [line.split("|") for line in (folder / "access.log").read_text(encoding="utf-8").splitlines()]
    assert [line[4] for line in logged] == [call["method"] for call in said]
    assert_calls_agree(recorded.exchanges_with(server), said)


def test_calls_over_tls_are_read_where_only_the_client_is_watched(server: int, tmp_path: Path) -> None:
    block = f"""server {{ listen {{0}} ssl http2; ssl_protocols TLSv1.2 TLSv1.3;
        location / {{ grpc_pass grpc://{wires.HOST}:{server}; }} }}"""
    with wires.nginx(tmp_path / "nginx", block) as nginx:
        target = f"{wires.HOST}:{nginx.ports[0]}"
        recorded = record(tmp_path, *wires.python("rpc.py", "talk", target, nginx.papers.authority))
    assert_calls_agree(recorded.exchanges_with(nginx.ports[0]), json.loads(recorded.stdout))
    (connection,) = recorded.report["connections"]
    assert connection["program"]["secrets"] == "patch"
    assert "cygrpc" in connection["program"]["library"]
