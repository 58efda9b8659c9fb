"""A Dask cluster of two workers, S3 on the loopback: what came of all captures is what each one gives."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from plainwire import pipeline
from plainwire.cluster import scheduling
from plainwire.model import UserError
from plainwire.progress import Progress
from plainwire.querying import Tables
from tests.builders.captures import pcap
from tests.cli import plain_capture
from tests.cli.test_analyze import conversation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from botocore.client import BaseClient

for _package in ("distributed", "s3fs", "moto.server"):
    pytest.importorskip(_package)

_PATIENCE = 240
_HOSTILE = "in/..\\x1b]0;x\\x07/$(id) <b>::c.pcap"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseClient]:
    """A client of S3, with an empty bucket called ``captures``; the environment names it for others."""
    import botocore.session  # noqa: PLC0415 - see above
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "planted-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = botocore.session.get_session().create_client("s3")
    try:
        client.create_bucket(Bucket="captures")
        yield client
    finally:
        client.close()
        server.stop()


class _Cluster:
    """A scheduler and its workers, processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(self.file))
        self.workers = [self._worker(number) for number in (1, 2)]
        until = time.monotonic() + _PATIENCE
        while not self.file.exists() and time.monotonic() < until:
            time.sleep(0.05)
        self.address: str = json.loads(self.file.read_text())["address"]

    def _worker(self, number: int) -> subprocess.Popen[bytes]:
        own = ("--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder / f"worker-{number}"))
        return self._start("worker", "--scheduler-file", str(self.file), *own)

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--host", "127.0.0.1", *options]
        environment = {**os.environ, "DASK_TEMPORARY_DIRECTORY": str(self.folder)}
        with (self.folder / "dask.log").open("ab") as log:
            return subprocess.Popen([*command, "--no-dashboard"], stdout=log, stderr=log, env=environment)

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(bucket: BaseClient, tmp_path: Path) -> Iterator[_Cluster]:
    assert bucket  # workers are told of it by their environment
    with contextlib.closing(contextlib.ExitStack()) as stack:
        made = _Cluster(tmp_path)
        stack.callback(made.stop)
        yield made


@contextlib.contextmanager
def _running(cluster: _Cluster, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "plainwire", "analyze", "--cluster", cluster.address, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def _large(connections: int) -> bytes:
    """A capture that takes seconds."""
    return pcap([each for number in range(connections) for each in conversation(port=1024 + number)])


def test_a_worker_dies_a_file_is_no_capture_and_the_rest_is_complete(
    cluster: _Cluster, bucket: BaseClient, tmp_path: Path
) -> None:
    small = plain_capture.write(tmp_path / "small.pcap").read_bytes()
    (tmp_path / "large.pcap").write_bytes(_large(2000))
    bodies = {f"in/{number}-small.pcap": small for number in range(4)}
    bodies |= {f"in/{number}-large.pcap": (tmp_path / "large.pcap").read_bytes() for number in range(5, 8)}
    bodies |= {"in/bad.pcap": b"hello", _HOSTILE: small}
    for key, body in bodies.items():
        bucket.put_object(Bucket="captures", Key=key, Body=body)
    arguments = ("s3://captures/in/**/*.pcap", "-o", "s3://captures/out", "--json")

    with _running(cluster, *arguments) as running:
        until = time.monotonic() + _PATIENCE
        done = 0
        while not done and running.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
            done = bucket.list_objects_v2(Bucket="captures", Prefix="out/captures/")["KeyCount"]
        assert 0 < done < len(bodies) - 1
        cluster.workers[0].kill()
        told, wrong = running.communicate(timeout=_PATIENCE)
    assert running.returncode == 1, wrong.decode()
    run = json.loads(told)
    assert run["unread"] == [
        {"source": "s3://captures/in/bad.pcap", "why": "not a capture file (pcap or pcapng)"}
    ]
    expected = {f"s3://captures/{key}" for key in bodies} - {"s3://captures/in/bad.pcap"}
    assert sorted(each["source"] for each in run["captures"]) == sorted(expected)

    tables = _fetched(bucket, tmp_path / "tables")
    alone = {name: pipeline.analyze([tmp_path / f"{name}.pcap"]) for name in ("small", "large")}
    rows = _select(tables, "SELECT source, list(code ORDER BY code) FROM findings GROUP BY 1 ORDER BY 1")
    assert rows == [
        (source, sorted(found.code for found in alone["small"].findings))
        for source in sorted(expected)
        if "large" not in source
    ]
    exchanges = dict(_select(tables, "SELECT source, count(*) FROM exchanges GROUP BY 1"))
    assert exchanges == {
        source: len(alone["large" if "large" in source else "small"].exchanges) for source in expected
    }
    (said,) = run["undecided"]  # the same moment five times over is one event
    assert said.startswith("reset-mid-request: 5 failures, in no more than 1 event, beside 6005 requests")

    with _running(cluster, *arguments) as again:  # with one worker
        told, wrong = again.communicate(timeout=_PATIENCE)
    repeated = json.loads(told)
    assert [each["again"] for each in repeated["captures"]] == [False] * len(expected)
    assert repeated["undecided"] == run["undecided"]
    log = (tmp_path / "dask.log").read_bytes()
    assert b"planted-secret" not in told + wrong + log


def _fetched(bucket: BaseClient, folder: Path) -> Path:
    for entry in bucket.list_objects_v2(Bucket="captures", Prefix="out/")["Contents"]:
        path = folder / entry["Key"].removeprefix("out/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bucket.get_object(Bucket="captures", Key=entry["Key"])["Body"].read())
    return folder


def _select(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with Tables() as tables:
        tables.add_parquet(folder)
        return tables.select(query)[1]


def test_without_a_scheduler_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "_PATIENCE", 0.5)
    capture = plain_capture.write(tmp_path / "a.pcap")
    with pytest.raises(UserError, match=r"tcp://127\.0\.0\.1:1: no scheduler answers there"):
        scheduling.analyze("tcp://127.0.0.1:1", [str(capture)], str(tmp_path / "out"), [], Progress())
    assert not (tmp_path / "out").exists()
