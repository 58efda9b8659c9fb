"""QUIC in captures that others made, against tshark's reading of the same."""

from __future__ import annotations

import csv
import hashlib
import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from plainwire.capture import reader
from plainwire.model import DatagramBatch, PacketBatch, SecretsBlock
from plainwire.packets.decode import Decoder
from plainwire.tls.keylog import KeyLog
from tests.corpus import corpus
from tests.quic.wire import CLIENT, SERVER, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row for row in rows if "quic" in row["protocols"] and "gquic" not in row["protocols"]]


def _read(folder: Path, row: dict[str, str], *, singly: bool = False) -> Reading:
    keys, decoder, reading = KeyLog(), Decoder(), Reading()
    for name in filter(None, row["secret_files"].split(",")):
        keys.add((folder / name).read_bytes())
    for item in reader.read([folder / row["name"]]):
        if isinstance(item, SecretsBlock):
            keys.add(item.data)
        elif isinstance(item, PacketBatch):
            datagrams = decoder.decode(item).datagrams
            for part in [] if datagrams is None else _split(datagrams) if singly else [datagrams]:
                touched, over = reading.assembler.feed(part, keys)
                for connection in touched:
                    reading.take(connection)
                reading.connections += [connection.finish() for connection in over]
    for connection in reading.assembler.close():
        reading.connections.append(connection.finish())
        reading.take(connection)
    return reading


def _split(batch: DatagramBatch) -> Iterator[DatagramBatch]:
    """One datagram each."""
    for row in range(len(batch.number)):
        columns = {
            name: column[row : row + 1]
            for name, column in msgspec.structs.asdict(batch).items()
            if name not in ("data", "endpoints")
        }
        yield DatagramBatch(data=batch.data, endpoints=batch.endpoints, **columns)


def test_streams_are_those_that_tshark_decrypts() -> None:
    folder = corpus()
    compared = 0
    for row in _rows(folder):
        lines = (folder / "ref" / f"{row['name']}.jsonl").read_text().splitlines()
        wanted = [line for line in map(json.loads, lines) if line["kind"] == "quic.stream"]
        if not wanted:
            continue
        reading = _read(folder, row)
        for line in wanted:
            key = line["stream_id"], CLIENT if line["from_client"] else SERVER
            text = reading.text(*key)
            assert len(text) == line["len"], (row["name"], key)
            assert hashlib.sha256(text).hexdigest() == line["sha256"], (row["name"], key)
            assert (key in reading.ends and reading.ends[key] is None) == line["fin"], (row["name"], key)
        compared += len(wanted)
    assert compared > 100


def test_server_names_are_those_that_tshark_sees() -> None:
    """They are in Initial packets, which anybody can open: several of them, after Retry, out of order."""
    folder = corpus()
    compared = 0
    for row in _rows(folder):
        summary = json.loads((folder / "ref" / f"{row['name']}.summary.json").read_text())
        sessions = [session for session in summary["tls_sessions"] if session["stream"].startswith("u")]
        wanted = sorted({session["sni"] for session in sessions if session.get("sni")})
        found = {c.tls.server_name for c in _read(folder, row).connections if c.tls and c.tls.server_name}
        assert set(wanted) <= found, row["name"]
        compared += len(wanted)
    assert compared > 20


@pytest.mark.parametrize("part", range(4))
def test_every_capture_with_quic_at_once_and_datagram_by_datagram(part: int) -> None:
    folder = corpus()
    for row in _rows(folder)[part::4]:
        reading, singly = _read(folder, row), _read(folder, row, singly=True)
        assert reading.connections, row["name"]
        assert singly.connections == reading.connections, row["name"]
        assert singly.texts == reading.texts, row["name"]
        for connection in reading.connections:
            reasons = [each.reason for each in connection.undecrypted]
            assert connection.decrypted or reasons or connection.packets <= 3, row["name"]
