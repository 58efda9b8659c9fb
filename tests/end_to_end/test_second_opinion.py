"""tshark reads the case's capture, secrets and all, and must see the same as the report, field by field."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.recorded import Recorded, python_client, record
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Server

FIELDS = (
    "frame.number",
    "tcp.srcport",
    "tcp.dstport",
    "http.request.method",
    "http.request.uri",
    "http.host",
    "http.request.line",
    "http.response.code",
    "http.response.line",
    "http.content_length_header",
    "http.chunk_size",
)

TLS_1_2 = ("--tls-max", "1.2", "--ciphers")
Row = dict[str, str]


@pytest.mark.parametrize(
    ("options", "suite"),
    [
        (["--tls13-ciphers", "TLS_AES_256_GCM_SHA384"], "TLS_AES_256_GCM_SHA384"),
        (["--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20_POLY1305_SHA256"),
        ([*TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"], "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ([*TLS_1_2, "ECDHE-ECDSA-AES128-SHA256"], "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
        ([*TLS_1_2, "ECDHE-ECDSA-CHACHA20-POLY1305"], "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ],
)
def test_all_kinds_of_messages_agree(options: list[str], suite: str, nginx: Server, tmp_path: Path) -> None:
    needs("curl")
    (nginx.folder / "files" / "large.txt").write_text("an object's line\n" * 20_000, encoding="utf-8")
    recorded = record(tmp_path, *_curl(nginx, options))
    rows = _tshark(recorded, nginx)
    exchanges = recorded.exchanges_with(nginx.port)
    assert len(exchanges) == len(nginx.logged())
    assert {connection["tls"]["cipher_suite"] for connection in recorded.report["connections"]} == {suite}
    _assert_requests_agree(exchanges, [row for row in rows if row["http.request.method"]])
    _assert_responses_agree(exchanges, [row for row in rows if row["http.response.code"]])


@pytest.mark.parametrize("client", ["http.client", "requests"])
def test_serial_requests_over_several_connections_agree(client: str, nginx: Server, tmp_path: Path) -> None:
    recorded = record(tmp_path, *python_client(client, nginx, 20))
    rows = _tshark(recorded, nginx)
    exchanges = recorded.exchanges_with(nginx.port)
    assert len(exchanges) == 20
    _assert_requests_agree(exchanges, [row for row in rows if row["http.request.method"]])
    _assert_responses_agree(exchanges, [row for row in rows if row["http.response.code"]])


def _curl(server: Server, tls: list[str]) -> list[object]:
    """One curl, one connection, many kinds of exchanges."""
    asked: list[list[str]] = [
        ["/object"],
        ["/files/large.txt"],
        ["--compressed", "/files/large.txt"],
        ["--head", "/files/large.txt"],
        ["--data", "key=value", "/object"],
        ["/missing"],
        ["/moved"],
        ["/empty"],
        ["--range", "100-299", "/files/large.txt"],
    ]
    command: list[object] = ["curl"]
    for number, (*options, target) in enumerate(asked):
        command += ["--next"] if number else []
        command += [
            "-s",
            "--cacert",
            server.authority,
            "-o",
            "/dev/null",
            *tls,
            *options,
            server.url + target,
        ]
    return command


def _tshark(recorded: Recorded, server: Server) -> list[Row]:
    """What tshark finds, with no settings but those that choose columns, and one for busy machines.

    There the capture may hold segments of a large response in another order than they were sent, and
    tshark decrypts nothing behind them unless it is told to put them in order.
    """
    chosen = [word for name in FIELDS for word in ("-e", name)]
    command = [tool("tshark"), "-r", str(recorded.case.capture), "-Y", f"http && tcp.port == {server.port}"]
    command += ["-o", "tcp.reassemble_out_of_order:TRUE"]
    form = ["-T", "fields", "-E", "separator=/t", "-E", "aggregator=|", *chosen]
    done = subprocess.run([*command, *form], capture_output=True, text=True, check=True, timeout=120)
    return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


def _assert_requests_agree(exchanges: list[dict[str, Any]], rows: list[Row]) -> None:
    ours = [
        (e["request"]["packet"], e["request"]["method"], e["request"]["target"], e["request"]["authority"])
        for e in exchanges
    ]
    theirs = [
        (int(row["frame.number"]), row["http.request.method"], row["http.request.uri"], row["http.host"])
        for row in rows
    ]
    assert sorted(ours) == theirs
    headers = {e["request"]["packet"]: _lines(e["request"]) for e in exchanges}
    assert headers == {int(row["frame.number"]): row["http.request.line"] for row in rows}


def _assert_responses_agree(exchanges: list[dict[str, Any]], rows: list[Row]) -> None:
    responses = sorted((e["response"] for e in exchanges), key=lambda response: int(response["packet"]))
    assert [r["status"] for r in responses] == [int(row["http.response.code"]) for row in rows]
    assert [_lines(r) for r in responses] == [row["http.response.line"] for row in rows]
    # tshark shows a message at its last packet, the report names its first.
    assert all(r["packet"] <= int(row["frame.number"]) for r, row in zip(responses, rows, strict=True))
    with_body = [(r, row) for r, row in zip(responses, rows, strict=True) if r["body_size"]]
    assert [r["body_size"] for r, _ in with_body] == [_body_size(row) for _, row in with_body]


def _lines(message: dict[str, Any]) -> str:
    return "|".join(f"{name}: {value}\\r\\n" for name, value in message["headers"])


def _body_size(row: Row) -> int:
    if row["http.content_length_header"]:
        return int(row["http.content_length_header"])
    return sum(int(size) for size in row["http.chunk_size"].split("|"))
