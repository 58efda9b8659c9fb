"""``import plainwire``: what a program of somebody else's gets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import plainwire
from tests.cli.plain_capture import write

TEXT = (Path(__file__).parents[1] / "docs" / "api.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\nprints\n\n```text\n(.*?)```", TEXT, re.DOTALL)


def test_the_page_has_three_examples() -> None:
    assert len(EXAMPLES) == TEXT.count("```python") == 3


@pytest.mark.parametrize(("code", "output"), EXAMPLES)
def test_an_example_of_the_page_prints_what_the_page_says(code: str, output: str, tmp_path: Path) -> None:
    write(tmp_path / "failing.pcap")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (output, "")


def test_a_finding_leads_to_its_exchanges_and_each_to_its_connection(tmp_path: Path) -> None:
    report = plainwire.analyze(write(tmp_path / "one.pcap"))
    assert isinstance(report, plainwire.Report)
    (finding,) = report.findings
    (exchange,) = report.exchanges_of(finding)
    assert exchange.request is not None
    assert exchange.request.target == "/upload"
    assert report.connection_of(exchange) is report.connections[0]


def test_an_exchange_of_another_report_has_no_connection_here(tmp_path: Path) -> None:
    report = plainwire.analyze(write(tmp_path / "one.pcap"))
    report.exchanges[0].connection = 7
    with pytest.raises(KeyError):
        report.connection_of(report.exchanges[0])


def test_json_is_that_of_the_command_and_holds_no_secrets(tmp_path: Path) -> None:
    path = write(tmp_path / "one.pcap")
    command = [sys.executable, "-m", "plainwire", "analyze", str(path), "--json"]
    printed = subprocess.run(command, capture_output=True, check=False).stdout
    text = plainwire.analyze([path]).to_json()
    assert json.loads(text) == json.loads(printed)
    assert "hunter2" not in text


def test_a_single_path_may_be_text(tmp_path: Path) -> None:
    path, keys = write(tmp_path / "one.pcap"), tmp_path / "keys.log"
    keys.write_text("")
    assert len(plainwire.analyze(str(path), keys=str(keys)).exchanges) == 2


def test_bodies_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    report = plainwire.analyze(write(tmp_path / "one.pcap"), keep_bodies=True)
    assert report.exchanges[0].response is not None
    assert report.exchanges[0].response.body == b"yes"


def test_the_folder_of_a_case_is_read_with_what_its_program_said(tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    write(case / "capture.pcapng")
    (case / "program.jsonl").write_text('{"event": "note", "text": "somebody else\'s words"}\n')
    assert plainwire.analyze(case).coverage.notes == ["somebody else's words"]


def test_what_cannot_be_read_is_an_error_for_the_user(tmp_path: Path) -> None:
    with pytest.raises(plainwire.UserError, match=r"nothing\.pcap: "):
        plainwire.analyze(tmp_path / "nothing.pcap")


def test_the_version_is_that_of_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "plainwire", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[1] == plainwire.__version__


def test_importing_it_imports_nothing_else() -> None:
    code = "import plainwire, sys; print([name for name in sys.modules if name.startswith('plainwire')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['plainwire']\n"


def test_what_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'analyse'"):
        plainwire.analyse  # type: ignore[attr-defined]  # noqa: B018
