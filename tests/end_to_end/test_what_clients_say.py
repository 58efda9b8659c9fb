"""What clients print of eight failures, on both outputs, at once or kept back, is tied to the right ones.

The client itself writes down when it was at which failure. What was said then, or names its path, must be
about the exchange with that path (or, where nothing listened, about the connection that was refused).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import own_network
from tests.end_to_end.misbehaving import serving
from tests.end_to_end.recorded import record
from tests.needs import tool, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.misbehaving import Misbehaving

CLIENTS = Path(__file__).parent / "clients"
MODES = ("traceback", "logging", "print", "buffered")
FAULTS = ("close", "reset", "half-close", "half-reset", "nonsense", "silence", "busy", "refused")
POM = """
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>clients</groupId><artifactId>clients</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.squareup.okhttp3</groupId><artifactId>okhttp</artifactId><version>4.12.0</version>
    </dependency>
    <dependency>
      <groupId>org.apache.httpcomponents</groupId><artifactId>httpclient</artifactId><version>4.5.14</version>
    </dependency>
    <dependency>
      <groupId>org.apache.httpcomponents.client5</groupId><artifactId>httpclient5</artifactId>
      <version>5.3.1</version>
    </dependency>
  </dependencies>
</project>
"""
SLACK = 0.05
"""Seconds between the client's clock and what it prints: it is told of behind the failure."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Misbehaving]:
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as running:
        yield running


@pytest.fixture
def refused() -> Iterator[str]:
    """A port on which nobody listens, and nobody will."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"https://127.0.0.1:{bound.getsockname()[1]}/"


def judge(folder: Path, report: dict[str, Any], least: int) -> None:
    """Each failure has words, and no words have another failure."""
    truth = [json.loads(line) for line in (folder / "truth").read_text().splitlines()]
    failed = [fault for fault, _, _, failed in truth if failed]
    assert len(failed) >= least
    targets = {e["id"]: e["request"]["target"].strip("/") for e in report["exchanges"] if e["request"]}
    tied: dict[str, list[str]] = {fault: [] for fault in failed}
    for said in report["program"]["said"]:
        refused = said["code"] == "connection-refused"
        about = "refused" if refused else targets.get(said["exchange"], said["code"])
        meant = [fault for fault in failed if f"/{fault} " in f"{said['text']} ".replace('"', " ")]
        if said["time"] is not None and not meant:
            meant = [fault for fault, began, ended, _ in truth if began <= said["time"] <= ended + SLACK]
        if meant:
            assert about in meant, said
            tied[about].append(said["text"])
    assert [fault for fault, words in tied.items() if not words] == [], report["program"]["said"]


def run(
    folder: Path,
    server: Misbehaving,
    refused: str,
    *command: object,
    least: int = len(FAULTS),
    stdout: Path | None = None,
) -> None:
    given = (server.url(""), refused, server.authority, folder / "truth")
    recorded = record(folder, *command, *given, stdout=stdout)
    judge(folder, recorded.report, least)


@pytest.mark.parametrize("mode", MODES)
def test_http_client(tmp_path: Path, server: Misbehaving, refused: str, mode: str) -> None:
    run(tmp_path, server, refused, sys.executable, CLIENTS / "eight_failures.py", "http_client", mode)


@pytest.mark.parametrize(
    ("library", "mode"),
    [
        ("requests", "traceback"),
        ("requests", "buffered"),
        ("urllib3", "logging"),
        ("httpx", "print"),
        ("httpx", "traceback"),
        ("aiohttp", "logging"),
        ("aiohttp", "buffered"),
        ("botocore", "traceback"),
        ("botocore", "print"),
        ("websockets", "traceback"),
        ("websockets", "print"),
    ],
)
def test_libraries_of_python(
    tmp_path: Path, server: Misbehaving, refused: str, library: str, mode: str
) -> None:
    least = 6 if library == "botocore" else len(FAULTS)  # which compares no lengths below its parsers
    script = CLIENTS / "eight_failures.py"
    run(tmp_path, server, refused, sys.executable, script, library, mode, least=least)


@pytest.mark.parametrize("mode", ["traceback", "logging", "buffered"])
def test_grpc(tmp_path: Path, refused: str, mode: str) -> None:
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server", http2=True) as server:
        run(tmp_path, server, refused, sys.executable, CLIENTS / "eight_failures.py", "grpcio", mode)


@pytest.mark.parametrize("version", ["2.7", "3.8", "3.11", "3.12", "3.13"])
def test_other_pythons(tmp_path: Path, server: Misbehaving, refused: str, version: str) -> None:
    python = other_python(version)
    script = CLIENTS / "eight_failures.py"
    least = len(FAULTS) - (version == "2.7")  # which takes for HTTP/0.9 what is no HTTP
    run(tmp_path, server, refused, python, script, "http_client", "traceback", least=least)


def other_python(version: str) -> Path:
    """An interpreter of this version that works; those of pyenv are not all on the search path."""
    found = shutil.which(f"python{version}")
    versions = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    places = [*versions.glob(f"{version}.*/bin/python"), *([Path(found)] if found else [])]
    works = [place for place in places if _has_tls(place)]
    return works[0] if works else without(f"Python {version}", part_of_the_judgement=False)


def _has_tls(python: Path) -> bool:
    return (
        subprocess.run([python, "-c", "import ssl"], capture_output=True, timeout=60, check=False).returncode
        == 0
    )


@pytest.mark.parametrize(
    ("library", "mode"),
    [
        ("https", "traceback"),
        ("https", "print"),
        ("fetch", "traceback"),
        ("fetch", "print"),
        ("axios", "print"),
        ("got", "logging"),
    ],
)
def test_node(
    tmp_path: Path,
    server: Misbehaving,
    refused: str,
    library: str,
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(server.authority))
    script = tmp_path / "eight_failures.js"
    shutil.copyfile(CLIENTS / script.name, script)
    if library in ("axios", "got"):
        (tmp_path / "package.json").write_text("{}")
        if shutil.which("npm") is None:
            without("npm", part_of_the_judgement=False)
        words = ["npm", "install", "--no-audit", "--no-fund", library]
        if not own_network.fetches(words, where=tmp_path):
            without(f"npm could not fetch {library}", part_of_the_judgement=False)
    run(tmp_path, server, refused, tool("node"), script, library, mode)


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The class path of the libraries, by Maven: what it has already is not fetched again."""
    folder = tmp_path_factory.mktemp("maven")
    (folder / "pom.xml").write_text(POM)
    told = folder / "path"
    words = [shutil.which("mvn") or without("Maven", part_of_the_judgement=False), "-B", "-q"]
    words += ["-f", str(folder), "dependency:build-classpath", f"-Dmdep.outputFile={told}"]
    for way in (["-o"], []):
        if own_network.fetches([*words, *way], where=folder):
            return told.read_text().strip()
    return without("Maven could not fetch the libraries", part_of_the_judgement=False)


def compiled(folder: Path, *sources: str, path: str = ".") -> tuple[object, ...]:
    """The command that runs them, as soon as a virtual machine can."""
    words = [tool("javac"), "-cp", path, "-d", folder, *(CLIENTS / name for name in sources)]
    subprocess.run([str(word) for word in words], check=True, capture_output=True, timeout=120)
    quick = ("-Xshare:auto", "-XX:TieredStopAtLevel=1")
    return (tool("java"), *quick, "-cp", f"{folder}{os.pathsep}{path}", "EightFailures")


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """The command of a client that has what Java has."""
    return compiled(tmp_path_factory.mktemp("java"), "EightFailures.java")


@pytest.fixture(scope="module")
def java_with_libraries(libraries: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """The same with the libraries."""
    sources = ("EightFailures.java", "Libraries.java")
    return compiled(tmp_path_factory.mktemp("java"), *sources, path=libraries)


@pytest.mark.parametrize(
    ("library", "mode"),
    [("url_connection", "print"), ("http_client", "traceback"), ("http_client", "buffered")],
)
def test_java(
    tmp_path: Path, server: Misbehaving, refused: str, java: tuple[object, ...], library: str, mode: str
) -> None:
    """HttpURLConnection takes what came of a body for all of it."""
    run(tmp_path, server, refused, *java, library, mode, least=len(FAULTS) - (library == "url_connection"))


@pytest.mark.parametrize(
    ("library", "mode"),
    [
        ("okhttp", "traceback"),
        ("okhttp", "buffered"),
        ("apache4", "logging"),
        ("apache5", "traceback"),
        ("apache5", "print"),
    ],
)
def test_libraries_of_java(
    tmp_path: Path,
    server: Misbehaving,
    refused: str,
    java_with_libraries: tuple[object, ...],
    library: str,
    mode: str,
) -> None:
    run(tmp_path, server, refused, *java_with_libraries, library, mode)


@pytest.mark.parametrize(("language", "mode"), [("ruby", "traceback"), ("ruby", "print"), ("php", "print")])
def test_scripts(tmp_path: Path, server: Misbehaving, refused: str, language: str, mode: str) -> None:
    """Both take what came of a body for all of it, where a close ends it."""
    script = CLIENTS / ("eight_failures.rb" if language == "ruby" else "eight_failures.php")
    run(tmp_path, server, refused, tool(language), script, mode, least=len(FAULTS) - 1)


@pytest.mark.parametrize("output", ["file", "pipe"])
def test_go(tmp_path: Path, server: Misbehaving, refused: str, output: str) -> None:
    """It makes its system calls itself: what it prints is read from the file, or copied as it writes it."""
    program = tmp_path / "program"
    words = [tool("go"), "build", "-o", program, CLIENTS / "eight_failures.go"]
    subprocess.run([str(word) for word in words], check=True, capture_output=True, timeout=540)
    run(tmp_path, server, refused, program, stdout=tmp_path / "output.txt" if output == "file" else None)


FETCHED = {
    "curl": 'curl -sS -m 1 --fail --cacert "$3" -o /dev/null',
    "wget": 'wget -nv --tries=1 -T 1 --ca-certificate="$3" -O /dev/null',
}
"""They print through the C library, which is seen where their output is a file; their status is told."""


@pytest.mark.parametrize("client", sorted(FETCHED))
def test_commands(tmp_path: Path, server: Misbehaving, refused: str, client: str) -> None:
    tool(client)
    places = {fault: "2" if fault == "refused" else "1" for fault in FAULTS}
    script = "; ".join(f'{FETCHED[client]} "${place}{fault}"' for fault, place in places.items())
    recorded = record(tmp_path, "/bin/sh", "-c", script, "sh", server.url(""), refused, server.authority)
    targets = {
        e["id"]: e["request"]["target"].strip("/") for e in recorded.report["exchanges"] if e["request"]
    }
    told = {
        targets.get(number, "refused")
        for finding in recorded.report["findings"]
        if "ended with exit status" in finding["program_says"]
        for number in finding["exchanges"] or [None]
    }
    assert told >= set(FAULTS) - {"nonsense"}  # some take for HTTP/0.9 what is no HTTP
    assert [f for f in recorded.report["findings"] if "contradict" in f["program_says"]] == []
