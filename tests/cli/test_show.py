"""``plainwire show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from plainwire.cli.main import plainwire
from plainwire.model import UserError
from tests.cli import plain_capture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return plain_capture.write(tmp_path / "capture.pcapng")


def run(*arguments: object) -> str:
    words = ["show", *map(str, arguments)]
    return CliRunner().invoke(plainwire, words, catch_exceptions=False, standalone_mode=False).output


def test_a_capture_file_is_shown_as_a_table(capture: Path) -> None:
    lines = run(capture).splitlines()
    assert len(lines) == 3
    assert "GET" in lines[1]
    assert lines[1].endswith("complete")
    assert lines[2].endswith("unanswered (reset-mid-request)")


def test_a_case_is_shown_by_its_folder(capture: Path) -> None:
    assert run(capture.parent) == run(capture)


def test_one_exchange_is_shown_in_full_with_its_packets(capture: Path) -> None:
    text = run(capture, 2)
    assert "> POST /upload HTTP/1.1" in text
    assert "> Content-Length: 5" in text
    assert "packet 6; " in text
    assert "packet 7: rst from the server" in text
    assert "Finding: reset-mid-request" in text


def test_bodies_are_shown_only_on_request(capture: Path) -> None:
    assert "hello" not in run(capture, 2)
    assert "  | hello" in run(capture, 2, "--body")


def test_secrets_are_not_shown_in_any_form(capture: Path) -> None:
    shown = run(capture) + run(capture, 1) + run(capture, "--json") + run(capture, 1, "--json")
    assert "hunter2" not in shown


def test_as_json_it_has_the_form_of_the_report(capture: Path) -> None:
    exchanges = json.loads(run(capture, "--json"))
    assert [e["id"] for e in exchanges] == [1, 2]
    one = json.loads(run(capture, 2, "--json"))
    assert one == exchanges[1]
    assert one["outcome"] == "unanswered"


def test_an_exchange_that_does_not_exist_is_one_line(capture: Path) -> None:
    with pytest.raises(UserError, match="no exchange 9; it has 2"):
        run(capture, 9)


def test_a_folder_that_is_no_case_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no case"):
        run(tmp_path)


def test_a_path_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        run(tmp_path / "nowhere")


def test_only_what_is_asked_for_is_shown(capture: Path) -> None:
    (failed,) = run(capture, "--failed").splitlines()[1:]
    assert failed.endswith("unanswered (reset-mid-request)")
    assert len(json.loads(run(capture, "--json", "--method", "GET"))) == 1
    with pytest.raises(click.UsageError, match="--since takes a time of day"):
        run(capture, "--since", "noon")


def test_where_nothing_is_to_be_shown_that_is_said(capture: Path) -> None:
    assert "no exchanges to show" in run(capture, "--host", "elsewhere.example")
    assert "no exchanges to show" not in run(capture)


def test_a_connection_is_shown_from_top_to_bottom(capture: Path) -> None:
    text = run(capture, "--connection", 1, "--ladder")
    assert "1: GET /object?token=[redacted]" in text
    assert text.splitlines()[-1].endswith("7")
    with pytest.raises(click.UsageError, match="--ladder needs --connection"):
        run(capture, "--ladder")
    with pytest.raises(UserError, match="no connection 9; it has 1"):
        run(capture, "--connection", 9, "--ladder")


def test_the_host_and_the_time_that_a_failed_request_waited_are_shown(capture: Path) -> None:
    lines = run(capture).splitlines()
    assert lines[2].split()[3:6] == ["storage.example", "POST", "/upload"]
    assert lines[2].split()[-3] == "40ms"
    assert "waited 40ms for a response that did not come" in run(capture, 2)


def test_colour_is_there_where_it_is_asked_for(capture: Path) -> None:
    assert "\x1b[" in run(capture, "--color", "always")
    assert "\x1b[" not in run(capture)
