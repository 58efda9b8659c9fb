"""What tshark decrypts of the captures that other projects made, plainwire decrypts too, byte for byte."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING

from plainwire import pipeline
from plainwire.model import Gap, Side
from plainwire.tls.at_once import WholeSession
from plainwire.tls.session import TlsSession
from tests.corpus import corpus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from plainwire.model import Text, TlsInfo


class Ear:
    """Hears the plain text of all TLS sessions, by side."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._texts: dict[tuple[int, Side], bytearray] = {}
        self._sessions: list[TlsInfo] = []  # kept, so that no two have the same id
        for reader in (TlsSession, WholeSession):
            self._listen_to(monkeypatch, reader)

    def _listen_to(self, monkeypatch: pytest.MonkeyPatch, reader: type[TlsSession | WholeSession]) -> None:
        taken = reader.plain

        def plain(session: TlsSession | WholeSession, side: Side) -> list[Text | Gap]:
            pieces = taken(session, side)  # type: ignore[arg-type]
            self._sessions.append(session.info)
            text = self._texts.setdefault((id(session.info), side), bytearray())
            for piece in pieces:
                if not isinstance(piece, Gap):
                    text += piece[0]
            return pieces

        monkeypatch.setattr(reader, "plain", plain)

    def heard(self) -> Counter[str]:
        """SHA-256 of what each side of each session said; forgets it all."""
        sums = Counter(hashlib.sha256(text).hexdigest() for text in self._texts.values() if text)
        self._texts.clear()
        self._sessions.clear()
        return sums


def decrypted_by_tshark(folder: Path, name: str) -> Counter[str]:
    lines = (folder / "ref" / f"{name}.jsonl").read_text().splitlines()
    streams = [entry for entry in map(json.loads, lines) if entry["kind"] == "tls.stream"]
    return Counter(entry[f"sha256_{side}"] for entry in streams for side in (0, 1) if entry.get(f"len{side}"))


def captures(folder: Path) -> Iterator[tuple[str, list[Path], list[Path]]]:
    """Name, key logs and private keys of each that has secrets."""
    with (folder / "manifest.tsv").open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["has_secrets"] != "yes":
                continue
            files = [folder / name for name in row["secret_files"].split(";") if name]
            private = [file for file in files if b"PRIVATE KEY" in file.read_bytes()]
            yield row["name"], [file for file in files if file not in private], private


def test_every_stream_that_tshark_decrypts(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = corpus()
    ear = Ear(monkeypatch)
    lacking, found = {}, 0
    for name, keys, private in captures(folder):
        expected = decrypted_by_tshark(folder, name)
        pipeline.analyze([folder / name], keys, private_keys=private)
        missing = expected - ear.heard()
        found += expected.total() - missing.total()
        if missing:
            lacking[name] = missing.total()
    assert lacking == {}
    assert found > 400
