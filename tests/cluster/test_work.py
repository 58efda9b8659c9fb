"""What a worker does with one capture, without a cluster around it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from plainwire.capture import key_lines
from plainwire.cluster import storage, work
from plainwire.querying import Tables
from tests.cli import plain_capture
from tests.test_dividing import _written as encrypted

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("fsspec")
HERE = version("plainwire")


def _read(capture: Path, into: Path, keys: tuple[str, ...] = (), asking: str = HERE) -> dict[str, Any]:
    place = storage.at(str(capture))
    record: dict[str, Any] = orjson.loads(work.one_capture("*", place.path, str(into), keys, asking))
    return record


def _count(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with Tables() as tables:
        tables.add_parquet(folder)
        return tables.select(query)[1]


def test_a_second_time_nothing_is_done_and_nothing_counts_twice(tmp_path: Path) -> None:
    capture = plain_capture.write(tmp_path / "a.pcap")
    first, second = _read(capture, tmp_path / "out"), _read(capture, tmp_path / "out")
    assert (first.pop("again"), second.pop("again")) == (True, False)
    assert first == second
    assert [each["code"] for each in first["findings"]] == ["reset-mid-request"]
    assert _count(tmp_path / "out", "SELECT source, count(*) FROM exchanges GROUP BY 1") == [
        (str(capture), 2)
    ]


def test_what_was_half_written_is_written_again(tmp_path: Path) -> None:
    capture, into = plain_capture.write(tmp_path / "a.pcap"), tmp_path / "out"
    key = _read(capture, into)["key"]
    (into / "captures" / f"{key}.json").unlink()
    (into / "findings" / f"{key}.parquet").write_bytes(b"PAR1")
    assert _read(capture, into)["again"]
    assert _count(into, "SELECT code FROM findings") == [("reset-mid-request",)]
    assert not [path for path in into.rglob("*") if path.name.startswith(".")]


def test_a_capture_that_was_replaced_is_read_again_in_the_place_of_the_old_one(tmp_path: Path) -> None:
    capture, keys = encrypted(tmp_path)
    into = tmp_path / "out"
    assert _read(capture[0], into)["decrypted"] == 0
    known = _read(capture[0], into, (str(keys[0]),))
    assert (known["again"], known["decrypted"], known["exchanges"]) == (True, 7, 7)
    plain_capture.write(capture[0])
    assert _read(capture[0], into, (str(keys[0]),))["exchanges"] == 2
    assert _count(into, "SELECT count(*) FROM exchanges") == [(2,)]


def test_nothing_that_can_open_the_capture_is_written(tmp_path: Path) -> None:
    capture, keys = encrypted(tmp_path)
    record = _read(capture[0], tmp_path / "out", (str(keys[0]),))
    secrets = {line.split()[2].decode() for line in key_lines.lines([keys[0].read_bytes()])}
    assert secrets
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    data = b"".join(path.read_bytes() for path in written) + orjson.dumps(record)
    assert not [secret for secret in secrets if secret.encode() in data or bytes.fromhex(secret) in data]


@pytest.mark.parametrize("name", ["$(touch x);<b>.pcap", "a[0]?*.pcap", "\x1b[31m\n.pcap", "\udcff.pcap"])
def test_names_become_no_path(tmp_path: Path, name: str) -> None:
    capture = plain_capture.write(tmp_path / name)
    record = _read(capture, tmp_path / "out")
    assert record["exchanges"] == 2
    files = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {each.partition(".")[0] for each in files} == {record["key"]}


def test_what_is_no_capture_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.pcap").write_bytes(b"hello")
    record = _read(tmp_path / "bad.pcap", tmp_path / "out")
    assert record == {"unreadable": "not a capture file (pcap or pcapng)"}
    assert not (tmp_path / "out").exists()


def test_a_worker_of_another_version_does_not_mix_in(tmp_path: Path) -> None:
    record = _read(plain_capture.write(tmp_path / "a.pcap"), tmp_path / "out", asking="0.0.1")
    assert record == {"unreadable": f"the worker has plainwire {HERE}, not 0.0.1"}
