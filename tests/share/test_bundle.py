"""Bundles of cases with planted secrets: nothing of them is left, and all else is as it was.

Second source: tshark.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from plainwire import pipeline
from plainwire.capture import reader
from plainwire.keys import read_keys
from plainwire.model import PacketBatch, UserError
from plainwire.share import bundle as bundles
from plainwire.share.checking import check
from plainwire.share.choosing import verdicts
from plainwire.share.secrets_of import secrets_of
from tests.needs import needs, tool
from tests.report.redact import planted, wires
from tests.share import cases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from plainwire.model import Exchange
    from plainwire.share.bundle import Bundle
    from tests.report.redact.planted import Message

    Write = Callable[[Path, Sequence[Message]], tuple[Path, list[Path]]]


def tls12(folder: Path, messages: Sequence[Message]) -> tuple[Path, list[Path]]:
    return cases.encrypted(folder, messages, ssl.TLSVersion.TLSv1_2)


def tls13(folder: Path, messages: Sequence[Message]) -> tuple[Path, list[Path]]:
    return cases.encrypted(folder, messages, ssl.TLSVersion.TLSv1_3)


WIRES = {"HTTP/1.1": wires.http1, "HTTP/2": wires.http2, "TLS 1.2": tls12, "TLS 1.3": tls13}
EVERYTHING = list(range(1, 100))


def bundle(capture: Path, keys: list[Path], *, connections: list[int], key_log: bytes = b"") -> Bundle:
    report = pipeline.analyze([capture], keys, keep_bodies=True)
    known = list(secrets_of(report.exchanges))
    sharing = bundles.Sharing([capture], read_keys(keys), report, known, [], connections, "0", b"k" * 32)
    sharing.key_log = key_log.splitlines()
    return bundles.make(sharing)


def unpacked(made: Bundle, folder: Path) -> Path:
    path = folder / "bundle.zip"
    path.write_bytes(bundles.packed(made))
    with zipfile.ZipFile(path) as file:
        file.extractall(folder / "unpacked")
    return folder / "unpacked"


def tshark(path: Path, *arguments: str, port: str = "http") -> str:
    command = [tool("tshark"), "-n", "-r", str(path), "-o", "tcp.check_checksum:TRUE"]
    command += ["-d", f"tcp.port==443,{port}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout


@pytest.mark.parametrize("write", WIRES.values(), ids=WIRES)
def test_no_planted_secret_is_in_a_bundle(write: Write, tmp_path: Path) -> None:
    """Every byte is searched: of the files, and of all that tshark makes of the packets, bodies included."""
    needs("tshark")
    messages = planted.messages()
    made = bundle(*write(tmp_path, messages), connections=EVERYTHING)
    folder = unpacked(made, tmp_path)
    texts = {path.name: path.read_bytes() for path in folder.iterdir()}
    inside = "http2" if write is wires.http2 else "http"
    outside = "tls" if write in (tls12, tls13) else inside
    for name, port in (("capture.pcapng", outside), ("plain.pcapng", inside)):
        seen = tshark(folder / name, "-V", "-x", port=port)
        assert "storage.example" in seen
        texts[f"{name} in tshark"] = seen.encode()
    forms = cases.secret_forms(messages)
    leaks = {(name, secret) for name, text in texts.items() for form, secret in forms.items() if form in text}
    assert not leaks


@pytest.fixture(scope="module")
def over_quic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Bundle]:
    """A case of HTTP/3 whose last answer is reset, its key log, and its bundle."""
    capture, (keys,) = wires.http3(tmp_path_factory.mktemp("h3"), planted.messages(), failing=True)
    return capture, keys, bundle(capture, [keys], connections=EVERYTHING)


def test_no_planted_secret_is_in_a_bundle_of_quic(
    over_quic: tuple[Path, Path, Bundle], tmp_path: Path
) -> None:
    """Of what QUIC carried the report tells, which is searched like the packets."""
    needs("tshark")
    capture, keys, made = over_quic
    folder = unpacked(made, tmp_path)
    texts = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in ("capture.pcapng", "plain.pcapng"):
        seen = tshark(folder / name, "-V", "-x")
        assert "QUIC IETF" in seen
        texts[f"{name} in tshark"] = seen.encode()
    forms = cases.secret_forms(planted.messages())
    assert len(set(forms.values())) >= 150
    leaks = {(name, secret) for name, text in texts.items() for form, secret in forms.items() if form in text}
    assert not leaks
    for line in keys.read_bytes().splitlines():
        assert not any(
            line.split()[2] in text or bytes.fromhex(line.split()[2].decode()) in text
            for text in texts.values()
        )
    report = json.loads(texts["report.json"])
    before = pipeline.analyze([capture], [keys])
    assert len(report["exchanges"]) == len(before.exchanges) == len(planted.messages())
    known = secrets_of(pipeline.analyze([capture], [keys], keep_bodies=True).exchanges)
    assert check(made, known).leaks == []


def test_packets_of_quic_are_as_they_were_and_only_a_secret_shows_their_verdict(
    over_quic: tuple[Path, Path, Bundle], tmp_path: Path
) -> None:
    capture, keys, made = over_quic
    folder = unpacked(made, tmp_path)
    for name in ("capture.pcapng", "plain.pcapng"):
        assert packets_of(folder / name) == packets_of(capture)
    original = pipeline.analyze([capture], [keys])
    assert verdicts(original.findings) == [
        (e.code, e.certainty, e.exchanges) for e in made.manifest.encrypted
    ]
    assert (made.manifest.verdict, made.manifest.lost, made.manifest.left_out) == ([], [], [])
    assert not bundles.analyzed(made.files["capture.pcapng"]).exchanges
    again = pipeline.analyze([folder / "capture.pcapng"], [keys])
    assert verdicts(again.findings) == verdicts(original.findings)
    letter = made.files["letter.md"].decode()
    assert "QUIC (1 connection: 1)" in letter
    assert "These packets are encrypted in this bundle" in letter
    assert f"| client |  |  |  |  |  |  | request {len(original.exchanges)} begins: POST" in letter
    assert f"So `{made.manifest.encrypted[0].code}` cannot be derived from these packets alone" in letter


@pytest.mark.parametrize("write", WIRES.values(), ids=WIRES)
def test_exchanges_and_verdict_are_as_they_were(write: Write, tmp_path: Path) -> None:
    messages = planted.messages()
    capture, keys = write(tmp_path, messages)
    before = pipeline.analyze([capture], keys)
    made = bundle(capture, keys, connections=EVERYTHING)
    after = bundles.analyzed(made.files["capture.pcapng"])
    assert verdicts(after.findings) == verdicts(before.findings)
    assert [_facts(e) for e in after.exchanges] == [_facts(e) for e in before.exchanges]
    plain = bundles.analyzed(made.files["plain.pcapng"])
    assert [_facts(e)[1:] for e in plain.exchanges] == [_facts(e)[1:] for e in before.exchanges]


def _facts(exchange: Exchange) -> tuple[object, ...]:
    request, response = exchange.request, exchange.response
    assert request is not None
    answer = None
    if response is not None:
        content = response.content
        coding = None if content is None else (content.codings, content.complete, content.defect)
        answer = response.status, response.body_size, response.complete, response.time_ns, coding
    names = [name for name, _ in request.headers]
    places = request.start, request.end
    return places, request.method, names, request.body_size, request.time_ns, exchange.outcome, answer


def packets_of(path: Path) -> list[tuple[int, int]]:
    return [
        (time, length)
        for item in reader.read([path])
        if isinstance(item, PacketBatch)
        for time, length in zip(item.time_ns.tolist(), item.length.tolist(), strict=True)
    ]


def test_tshark_sees_the_same_packets_and_exchanges_in_all_three(tmp_path: Path) -> None:
    """The original with its key log, the capture of the bundle, and the one without TLS."""
    needs("tshark")
    messages = planted.messages()[:60]
    capture, (keys,) = tls13(tmp_path, messages)
    folder = unpacked(bundle(capture, [keys], connections=EVERYTHING), tmp_path)
    tcp = [
        "-T",
        "fields",
        *(f"-e{name}" for name in ("frame.time_epoch", "tcp.stream", "tcp.flags", "tcp.seq_raw")),
    ]
    tcp += ["-etcp.ack_raw", "-etcp.len", "-eip.len"]
    sealed = folder / "capture.pcapng"
    assert tshark(sealed, *tcp, port="tls") == tshark(capture, *tcp, port="tls")
    assert packets_of(sealed) == packets_of(capture)
    http = ["-Y", "http", "-T", "fields", "-eframe.time_epoch", "-etcp.stream", "-ehttp.request.method"]
    http += ["-ehttp.response.code", "-ehttp.host"]
    original = tshark(capture, *http, "-o", f"tls.keylog_file:{keys}", port="tls")
    assert original.count("POST") == 60
    assert tshark(sealed, *http, port="tls") == original
    assert tshark(folder / "plain.pcapng", *http) == original
    closes = ["-Y", "tcp.flags.reset == 1 || tcp.flags.fin == 1 || tcp.flags.syn == 1", "-T", "fields"]
    closes += ["-eframe.number", "-eframe.time_epoch", "-etcp.flags", "-etcp.stream"]
    assert tshark(folder / "plain.pcapng", *closes) == tshark(capture, *closes, port="tls")
    trouble = "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || tcp.analysis.out_of_order"
    assert not tshark(folder / "plain.pcapng", "-Y", trouble)


def test_without_names_the_failing_connection_and_two_neighbours_are_taken(tmp_path: Path) -> None:
    messages = planted.messages()
    capture, keys = tls13(tmp_path, messages)
    before = pipeline.analyze([capture], keys)
    made = bundle(capture, keys, connections=[])
    after = bundles.analyzed(made.files["capture.pcapng"])
    assert len(before.connections) == 14
    assert len(after.connections) == 3
    assert {f.code for f in after.findings} == {f.code for f in before.findings} == {"reset-mid-request"}
    assert after.findings[0].certainty == before.findings[0].certainty


def test_secrets_are_in_it_where_they_are_asked_for_and_of_these_connections_alone(tmp_path: Path) -> None:
    messages = planted.messages()
    capture, keys = tls13(tmp_path, messages)
    made = bundle(capture, keys, connections=[2], key_log=keys[0].read_bytes())
    lines = keys[0].read_bytes().split(b"\n")
    original = made.files["original.pcapng"]
    randoms = {line.split()[1] for line in lines if line and line in original}
    assert len(randoms) == 1
    report = bundles.analyzed(original)
    assert [e.request.target for e in report.exchanges if e.request] == [m.target for m in messages[20:40]]
    assert made.manifest.with_secrets
    assert b"passwords included" in made.files["letter.md"]


def test_a_bundle_is_read_back_as_it_was(tmp_path: Path) -> None:
    made = bundle(*tls12(tmp_path, planted.messages()[:3]), connections=[1])
    path = tmp_path / "bundle.zip"
    path.write_bytes(bundles.packed(made))
    assert bundles.packed(made) == path.read_bytes()
    assert bundles.opened(path) == made
    assert bundles.opened(unpacked(made, tmp_path)) == made


def test_what_is_no_bundle_is_one_line(tmp_path: Path) -> None:
    no_zip, empty, bomb = tmp_path / "a.zip", tmp_path / "b.zip", tmp_path / "c.zip"
    no_zip.write_bytes(b"hello")
    with zipfile.ZipFile(empty, "w") as file:
        file.writestr("x", "y")
    with zipfile.ZipFile(bomb, "w") as file:
        for number in range(100):
            file.writestr(f"{number}", "y")
    for path in (no_zip, empty, bomb, tmp_path / "nothing"):
        with pytest.raises(UserError):
            bundles.opened(path)


def test_where_nothing_failed_connections_have_to_be_named(tmp_path: Path) -> None:
    capture, keys = wires.http2(tmp_path, planted.messages()[:2])
    with pytest.raises(UserError, match="nothing failed here"):
        bundle(capture, keys, connections=[])
