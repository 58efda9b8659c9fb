"""Programs that run tests: the failing test's name stands in the verdict."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import own_network
from tests.end_to_end.misbehaving import serving
from tests.end_to_end.recorded import record
from tests.needs import tool, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.misbehaving import Misbehaving
    from tests.end_to_end.recorded import Recorded

PYTHON = Path(__file__).parent / "clients" / "failing_tests.py"
MOCHA = """
const fs = require('fs'), https = require('https');
const options = {ca: fs.readFileSync(process.env.AUTHORITY), agent: false};
const get = path => new Promise((done, failed) => https.get(process.env.SERVER + path, options, response => {
  response.on('error', failed);
  response.on('end', () => done(response.statusCode));
  response.resume();
}).on('error', failed));
describe('things', () => {
  it('good', () => get('/ok'));
  describe('inside', () => { it('closed', () => get('/close')); });
  it('cut', () => get('/half-close'));
});
"""
GO = """
package things

import (
    "io"
    "net/http"
    "os"
    "testing"
)

func get(t *testing.T, path string) {
    response, err := http.Get(os.Getenv("PLAIN") + path)
    if err != nil {
        t.Fatal(err)
    }
    if _, err := io.ReadAll(response.Body); err != nil {
        t.Error(err)
    }
}

func TestGood(t *testing.T) { get(t, "/ok") }
func TestClosed(t *testing.T) { get(t, "/close") }
func TestThings(t *testing.T) { t.Run("cut", func(t *testing.T) { get(t, "/half-close") }) }
"""
POM = """
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>things</groupId><artifactId>things</artifactId><version>1</version>
  <properties>
    <maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies><dependency>
    <groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId>
    <version>5.10.2</version><scope>test</scope>
  </dependency></dependencies>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-surefire-plugin</artifactId>
    <version>3.2.5</version>
  </plugin></plugins></build>
</project>
"""
JUNIT = """
package things;
import java.io.IOException;
import java.net.*;
import org.junit.jupiter.api.Test;
class ThingsTest {
    static void post(String path) throws IOException {
        URL url = new URL(System.getenv("PLAIN") + path);
        HttpURLConnection connection = (HttpURLConnection) url.openConnection();
        connection.setRequestMethod("POST");
        connection.setFixedLengthStreamingMode(1);
        connection.setDoOutput(true);
        connection.getOutputStream().write(1);
        connection.getInputStream().readAllBytes();
    }
    @Test void good() throws IOException { post("/ok"); }
    @Test void closed() throws IOException { post("/close"); }
}
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Misbehaving]:
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as running:
        monkeypatch.setenv("SERVER", running.url("").rstrip("/"))
        monkeypatch.setenv("AUTHORITY", str(running.authority))
        monkeypatch.setenv("PLAIN", f"http://127.0.0.1:{running.plain_port}")
        for name in (
            "PYTEST_CURRENT_TEST",
            "PYTEST_ADDOPTS",
            "PYTEST_XDIST_WORKER",
        ):  # those of this very test
            monkeypatch.delenv(name, raising=False)
        yield running


def named(recorded: Recorded) -> dict[str, str]:
    """By the target of the request that failed: the test."""
    targets = {e["id"]: e["request"]["target"] for e in recorded.report["exchanges"]}
    failures = [f for f in recorded.report["findings"] if f["failure"] and f["exchanges"]]
    assert [f["tests"] for f in failures if len(f["tests"]) != 1] == []
    return {targets[n]: f["tests"][0] for f in failures for n in f["exchanges"]}


def fetched(*command: object, where: Path) -> None:
    """Get what is not part of the machine; without a network the test ends here."""
    if not own_network.fetches(command, where=where):
        without(f"{command[0]} could not fetch its packages", part_of_the_judgement=False)


@pytest.mark.parametrize(
    "parallel", [("-p", "no:xdist"), ("-p", "no:xdist", "-s"), ("-n", 2)], ids=["one", "uncaptured", "two"]
)
def test_pytest(tmp_path: Path, server: Misbehaving, parallel: tuple[object, ...]) -> None:
    assert server.port
    alone = ["--rootdir", PYTHON.parent, "--confcutdir", PYTHON.parent, "-c", os.devnull]
    options = ["-q", "-p", "no:cacheprovider", *alone, *parallel]
    recorded = record(tmp_path, sys.executable, "-m", "pytest", *options, PYTHON)
    assert recorded.status == 1
    assert {path: name.rpartition("/")[2] for path, name in named(recorded).items()} == {
        "/close": "failing_tests.py::Things::test_closed",
        "/half-close": "failing_tests.py::Things::test_cut",
    }


def test_unittest(tmp_path: Path, server: Misbehaving) -> None:
    assert server.port
    recorded = record(tmp_path, sys.executable, PYTHON)
    places = {"/close": "__main__.Things.test_closed", "/half-close": "__main__.Things.test_cut"}
    assert named(recorded) == places


def test_mocha(tmp_path: Path, server: Misbehaving) -> None:
    assert server.port
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "things.js").write_text(MOCHA)
    if shutil.which("npm") is None:
        without("npm", part_of_the_judgement=False)
    fetched("npm", "install", "--no-audit", "--no-fund", "mocha@10", where=tmp_path)
    mocha = tmp_path / "node_modules" / "mocha" / "bin" / "mocha.js"
    recorded = record(tmp_path, tool("node"), mocha, tmp_path / "things.js")
    assert named(recorded) == {"/close": "things inside closed", "/half-close": "things cut"}


@pytest.mark.parametrize("reporter", ["tap", "spec"])
def test_node(tmp_path: Path, server: Misbehaving, reporter: str) -> None:
    assert server.port
    (tmp_path / "things.js").write_text("const {describe, it} = require('node:test');" + MOCHA)
    node = (tool("node"), "--test", f"--test-reporter={reporter}", tmp_path / "things.js")
    assert named(record(tmp_path, *node)) == {"/close": "closed", "/half-close": "cut"}


@pytest.mark.parametrize("by", ["go", "test -c", "make"])
def test_go(tmp_path: Path, server: Misbehaving, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    """With TLS, and with its output in a pipe; go reads that of the test by a pipe of its own."""
    monkeypatch.setenv("PLAIN", server.url("").rstrip("/"))
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    (tmp_path / "go.mod").write_text("module things\n\ngo 1.19\n")
    (tmp_path / "things_test.go").write_text(GO)
    (tmp_path / "Makefile").write_text("check:\n\t@go test -vet=off\n")
    go = (tool("go"), "test", "-vet=off")
    fetched(*go, "-c", "-o", tmp_path / "things.test", where=tmp_path)
    command = {"go": go, "test -c": (tmp_path / "things.test",), "make": (tool("make"), "-s", "check")}[by]
    monkeypatch.chdir(tmp_path)
    recorded = record(tmp_path, *command, patience=280)
    assert named(recorded) == {"/close": "TestClosed", "/half-close": "TestThings/cut"}


def test_junit_by_maven(tmp_path: Path, server: Misbehaving) -> None:
    assert server.port
    place = tmp_path / "src" / "test" / "java" / "things"
    place.mkdir(parents=True)
    (tmp_path / "pom.xml").write_text(POM)
    (place / "ThingsTest.java").write_text(JUNIT)
    if shutil.which("mvn") is None:
        without("Maven", part_of_the_judgement=False)
    maven = (tool("mvn"), "-B", "-q", "-f", tmp_path / "pom.xml")
    # Surefire fetches what runs the tests only when it runs them.
    fetched(*maven, "test", "-Dmaven.test.failure.ignore", where=tmp_path)
    recorded = record(tmp_path, *maven, "-o", "surefire:test", patience=280)
    assert named(recorded) == {"/close": "things.ThingsTest.closed"}
