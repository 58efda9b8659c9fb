"""The corpus and tshark's reading of it: ``corpus.json``, ``ref/NAME.jsonl``, ``ref/NAME.summary.json``.

Where out-of-order reassembly changes what tshark finds there is a second reading, ``NAME.ooo_off.jsonl``:
what either of them has counts as found by tshark.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.message import KINDS, Body, Message, end, plain

VARIABLE = "PLAINWIRE_CORPUS"
_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "corpus"


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture of the corpus, with the files that hold its secrets."""

    name: str
    path: Path
    keys: tuple[Path, ...]
    private_keys: tuple[Path, ...]
    tags: tuple[str, ...]


@dataclass(slots=True)
class Reference:
    """What tshark finds: ``decrypted`` are TLS connections over TCP, ``decrypted_quic`` those with HTTP/3."""

    messages: list[Message] = field(default_factory=list)
    decrypted: int = 0
    decrypted_quic: int = 0
    packets: int = 0


def default_corpus() -> Path:
    """The folder that the environment names, else the one beside the project."""
    return Path(os.environ.get(VARIABLE) or _BESIDE)


def captures(corpus: Path) -> list[Capture]:
    """All captures of the corpus by name.

    Raises:
        OSError: there is no such corpus.

    """
    entries = json.loads((corpus / "corpus.json").read_bytes())
    found = [
        Capture(
            entry["name"],
            corpus / entry["file"],
            tuple(corpus / key for key in entry["keylogs"]),
            tuple(corpus / key for key in entry["rsa_keys"]),
            tuple(entry["tags"]),
        )
        for entry in entries
    ]
    return sorted(found, key=lambda capture: capture.name)


def read(corpus: Path, name: str) -> Reference:
    """Tshark's reading of one capture; an empty one where tshark had none."""
    folder = corpus / "ref"
    messages = _messages(folder / f"{name}.jsonl")
    other = folder / f"{name}.ooo_off.jsonl"
    if other.exists():
        messages = _union(messages, _messages(other))
    summary = json.loads((folder / f"{name}.summary.json").read_bytes())
    return Reference(
        messages,
        summary.get("tls_streams_decrypted", 0),
        summary.get("quic_connections_with_http3", 0),
        summary.get("packets", 0),
    )


def _messages(path: Path) -> list[Message]:
    with path.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [_message(record) for record in records if record["kind"] in KINDS]


def _message(record: dict[str, Any]) -> Message:
    kind = record["kind"]
    frame = record.get("frame") or 0
    ends = None
    if "src" in record:
        source, target = (record[name].rpartition(":") for name in ("src", "dst"))
        ends = end(source[0], source[2]), end(target[0], target[2])
    stream = record.get("h2_stream", record.get("stream_id"))
    if kind == "http2.push_promise":
        stream = None  # tshark gives that of the request, not the promised one
    return Message(kind, _essence(record), (frame, frame), ends, stream, _bodies(record))


def _essence(record: dict[str, Any]) -> str:
    kind = record["kind"]
    if kind == "websocket.frame":
        return f"{record['opcode']} {'fin' if record['fin'] else 'more'} {record['payload_len']}"
    if kind == "http2.rst_stream":
        return str(record["error"])
    if kind == "http2.push_promise":
        fields = dict(reversed(record["headers"]))
        return f"{plain(fields.get(':method'))} {plain(fields.get(':path'))}"
    if kind.endswith(".request"):
        return f"{plain(record['method'])} {plain(record.get('uri', record.get('path')))}"
    return str(record.get("status", ""))


def _bodies(record: dict[str, Any]) -> tuple[Body, ...]:
    if not record.get("body_len") or record.get("gap"):
        return ()
    return (Body(record["body_len"], record.get("body_sha256")),)


def _union(one: list[Message], other: list[Message]) -> list[Message]:
    """The larger of two readings, for each message that looks the same in both."""
    counted: dict[tuple[object, ...], tuple[list[Message], list[Message]]] = defaultdict(lambda: ([], []))
    for index, messages in enumerate((one, other)):
        for message in messages:
            key = (message.kind, message.ends, message.stream, message.essence)
            counted[key][index].append(message)
    merged = [message for pair in counted.values() for message in max(pair, key=len)]
    return sorted(merged, key=lambda message: message.frames)
