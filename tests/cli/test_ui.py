"""``plainwire ui`` in a browser: cases side by side, bodies on request, a program that runs."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.cli.plain_capture import write
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

expect.set_options(timeout=60_000)  # a busy machine is no fault of the page

PROGRAM = """
import http.client, pathlib, sys, time
def ask(path):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
    connection.request("GET", path)
    connection.getresponse().read()
    connection.close()
ask("/first")
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.05)
ask("/second")
"""


class _Quiet(BaseHTTPRequestHandler):
    """Answers everything with JSON."""

    def do_GET(self) -> None:
        text = b'{"seen": true}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = tool("chromium")
    with sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@contextlib.contextmanager
def ui(*arguments: str, cwd: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command, and the address that it says; Ctrl-C ends it."""
    command = [sys.executable, "-m", "plainwire", "ui", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=cwd) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            match = re.fullmatch(r"plainwire: (http://127\.0\.0\.1:\d+/\S+/) \(Ctrl-C ends it\)\n", line)
            assert match is not None, line + process.stderr.read()
            yield match[1], process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


def test_cases_stand_side_by_side_and_show_bodies_without_secrets(browser: Browser, tmp_path: Path) -> None:
    first, second = write(tmp_path / "first.pcap"), write(tmp_path / "second.pcap")
    with ui(str(first), str(second), cwd=tmp_path) as (address, process):
        page = browser.new_page(reduced_motion="reduce")
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_contain_text("2 cases side by side")
        expect(page.get_by_role("row", name="Verdict")).to_contain_text("1 of 2 requests failed")
        page.get_by_role("button", name="second.pcap").first.click()
        page.locator("#row-2").click()
        page.get_by_role("tab", name="Body").click()
        expect(page.locator("#tab-panel")).to_contain_text("hello")
        assert "hunter2" not in page.content()
        assert troubles == []
        page.close()
    assert process.returncode == 0


def test_the_page_grows_while_the_program_runs(browser: Browser, tmp_path: Path) -> None:
    needs("root")
    script, go = tmp_path / "program.py", tmp_path / "go"
    script.write_text(PROGRAM)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        program = [sys.executable, str(script), str(http.server_port), str(go)]
        with ui("--live", "-o", "case", "--", *program, cwd=tmp_path) as (address, process):
            page = browser.new_page(reduced_motion="reduce")
            page.goto(address)
            rows = page.locator('[role="rowgroup"] [role="row"]')
            expect(rows).to_have_count(1)  # while the program waits for us
            expect(page.get_by_role("status").first).to_contain_text("The program is running")
            go.touch()
            expect(rows).to_have_count(2)
            expect(page.get_by_role("status").first).to_contain_text("The program has ended")
            page.close()
        http.shutdown()
    assert process.returncode == 0
    assert (tmp_path / "case" / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((), "name at least one case"), (("--live",), "name a program"), (("no-such-case",), "no such case")],
)
def test_misuse_is_one_line(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "plainwire", "ui", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
