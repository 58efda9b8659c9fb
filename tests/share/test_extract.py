"""Chosen connections with their secrets, and without TLS: what tshark and plainwire make of them."""

from __future__ import annotations

import ssl
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire import pipeline
from plainwire.model import Endpoint, Side
from tests.builders.captures import pcap
from tests.builders.packets import ipv4
from tests.needs import needs, tool
from tests.quic.talk import Talk
from tests.quic.wire import HOME
from tests.report.redact import planted
from tests.share import cases

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Report
    from tests.quic.wire import Sent

PACKETS = ("frame.time_epoch", "tcp.flags", "tcp.srcport", "tcp.dstport")
EXCHANGES = (
    "frame.time_epoch",
    "http.request.method",
    "http.request.uri",
    "http.authorization",
    "http.response.code",
    "http.content_encoding",
)


@pytest.fixture(scope="module", params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def capture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Three connections, the last one reset; and their key log."""
    path, (keys,) = cases.encrypted(tmp_path_factory.mktemp("tls"), planted.messages()[:50], request.param)
    return path, keys


def export(capture: tuple[Path, Path], output: Path, *options: object) -> Path:
    words = [sys.executable, "-m", "plainwire", "export", capture[0], "--keys", capture[1]]
    words += ["--pcapng", *options, "-o", output]
    subprocess.run(list(map(str, words)), check=True, timeout=240)
    return output


def fields(path: Path, names: tuple[str, ...], *options: str) -> list[str]:
    command = [tool("tshark"), "-n", "-r", str(path), "-T", "fields", *(f"-e{name}" for name in names)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True, timeout=240)
    return done.stdout.splitlines()


def facts(report: Report) -> list[tuple[object, ...]]:
    return [
        (
            e.request and (e.request.method, e.request.target, e.request.headers, e.request.time_ns),
            e.response and (e.response.status, e.response.headers, e.response.body_size, e.response.time_ns),
            e.outcome,
        )
        for e in report.exchanges
    ]


def test_a_chosen_connection_comes_with_its_secrets_and_no_others(
    capture: tuple[Path, Path], tmp_path: Path
) -> None:
    needs("tshark")
    path = export(capture, tmp_path / "second.pcapng", "--connection", 2)
    original = pipeline.analyze([capture[0]], [capture[1]])
    port = str(original.connections[1].client.port)
    assert fields(path, PACKETS) == fields(capture[0], PACKETS, "-Y", f"tcp.port == {port}")
    seen = fields(path, EXCHANGES, "-Y", "http")
    told = fields(capture[0], EXCHANGES, "-Y", f"http && tcp.port == {port}", *decrypting(capture[1]))
    assert seen == told
    assert seen
    known = {c.tls.client_random.hex() for c in original.connections if c.tls is not None}
    second = original.connections[1].tls
    assert second is not None
    written = path.read_bytes()
    assert {random for random in known if random.encode() in written} == {second.client_random.hex()}


def decrypting(keys: Path) -> tuple[str, str]:
    return "-o", f"tls.keylog_file:{keys}"


def test_without_tls_any_tool_sees_the_same_exchanges_times_and_resets(
    capture: tuple[Path, Path], tmp_path: Path
) -> None:
    needs("tshark")
    path = export(capture, tmp_path / "plain.pcapng", "--decrypted", "--with-secrets")
    assert fields(path, PACKETS) == fields(capture[0], PACKETS)
    plain = ("-d", "tcp.port==443,http")
    seen = fields(path, EXCHANGES, "-Y", "http", *plain)
    assert seen == fields(capture[0], EXCHANGES, "-Y", "http", *decrypting(capture[1]))
    assert len(seen) == 99  # 50 requests, the last of which has no response
    before, after = pipeline.analyze([capture[0]], [capture[1]]), pipeline.analyze([path])
    assert facts(after) == facts(before)
    assert [(f.code, f.exchanges) for f in after.findings] == [(f.code, f.exchanges) for f in before.findings]


def test_without_tls_secrets_are_hidden_unless_they_are_asked_for(
    capture: tuple[Path, Path], tmp_path: Path
) -> None:
    path = export(capture, tmp_path / "plain.pcapng", "--decrypted")
    data = path.read_bytes()
    forms = cases.secret_forms(planted.messages()[:50])
    assert not [secret for form, secret in forms.items() if form in data]
    assert b"storage.example" in data


def test_a_connection_that_is_not_there_is_one_line(capture: tuple[Path, Path], tmp_path: Path) -> None:
    words = [sys.executable, "-m", "plainwire", "export", capture[0], "--pcapng", "--connection", "9"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "no connection 9" in done.stderr
    other = subprocess.run([*map(str, words[:4]), "--har", "--decrypted"], capture_output=True, check=False)
    assert other.returncode == 2


def spoken(port: int) -> Talk:
    """A question and its answer over QUIC, from this port."""
    made = Talk(client_at=Endpoint(HOME.address, port)).connect()
    made.say(Side.CLIENT, 0, b"what is there?", end=True)
    return made.run()


def frame(sent: Sent) -> bytes:
    header = struct.pack("!HHHH", sent.source.port, sent.target.port, 8 + len(sent.data), 0)
    return ipv4(sent.source.address, sent.target.address, header + sent.data, protocol=17)


def test_a_connection_of_quic_is_taken_out_as_it_was(tmp_path: Path) -> None:
    talks = [spoken(50001), spoken(50002)]
    wire = [sent for pair in zip(*(talk.wire for talk in talks), strict=False) for sent in pair]
    path, keys = tmp_path / "both.pcap", tmp_path / "keys"
    path.write_bytes(pcap([frame(sent) for sent in wire]))
    keys.write_bytes(b"".join(talk.key_log for talk in talks))
    original = pipeline.analyze([path], [keys])
    assert [(c.transport, c.decrypted) for c in original.connections] == [("quic", True)] * 2
    second = pipeline.analyze([export((path, keys), tmp_path / "second.pcapng", "--connection", 2)])
    (only,) = second.connections
    assert (only.client, only.packets, only.decrypted) == (
        original.connections[1].client,
        original.connections[1].packets,
        True,
    )
    ours, theirs = (next(line.split()[1] for line in talk.key_log.splitlines()) for talk in reversed(talks))
    written = (tmp_path / "second.pcapng").read_bytes()
    assert ours in written
    assert theirs not in written
