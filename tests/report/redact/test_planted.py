"""Secrets that a program sent and received appear in no output, whatever version of HTTP carried them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from plainwire import pipeline
from plainwire.cli import show
from plainwire.cli.export import FORMS, ExportOptions
from plainwire.hunting import Hunt, conclude, runs, words
from plainwire.model import Evidence, Finding, UserError
from plainwire.report import html, json, table, terminal
from plainwire.report.redact import HIDDEN
from tests.report.redact import planted, wires

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from plainwire.model import Report

WIRES = {"HTTP/1.1": wires.http1, "HTTP/2": wires.http2, "HTTP/3": wires.http3}


def test_there_are_many_kinds() -> None:
    assert len({plant.kind for plant in planted.PLANTS}) >= 60
    assert len(planted.messages()) >= 150


@pytest.mark.parametrize("write", WIRES.values(), ids=WIRES)
def test_planted_secrets_appear_in_no_output(
    write: Callable[[Path, list[planted.Message]], tuple[Path, list[Path]]], tmp_path: Path
) -> None:
    messages = planted.messages()
    capture, keys = write(tmp_path, messages)
    report = pipeline.analyze([capture], keys, keep_bodies=True)
    assert len(report.exchanges) == len(messages)
    forms = {
        form: secret for message in messages for secret in message.secrets for form in planted.forms(secret)
    }
    leaks = {
        (name, secret)
        for name, text in outputs(report, capture, keys)
        for form, secret in forms.items()
        if form in text
    }
    assert not leaks


def test_names_and_everything_else_stay(tmp_path: Path) -> None:
    """What is hidden is the secret, not the message: the report says what was asked for."""
    messages = planted.messages()
    capture, _ = wires.http1(tmp_path, messages)
    shown = json.encode(pipeline.analyze([capture])).decode()
    for kept in (f"/a?page=2&token={HIDDEN}&x=1", f"theme={HIDDEN}; sid={HIDDEN}", f"Bearer {HIDDEN}"):
        assert kept in shown
    assert f"</p?page=2>; rel=next, </p?token={HIDDEN}>; rel=prev" in shown


def outputs(report: Report, capture: Path, keys: list[Path]) -> Iterator[tuple[str, str]]:
    """Everything that plainwire prints or writes of a report, by name."""
    ids = [exchange.id for exchange in report.exchanges]
    yield "verdict", terminal.verdict(report, width=10_000)
    yield "table", table.exchanges(report)
    for number in ids:
        yield "exchange in full", table.exchange(report, number, body=True) or ""
    yield "JSON", json.encode(report).decode()
    options = [option for path in keys for option in ("--keys", str(path))]
    yield "show --json", CliRunner().invoke(show.command, [str(capture), "--json", *options]).output
    for start in range(0, len(ids), 50):
        report.findings = [_finding(ids[start : start + 50])]
        yield "page", html.render(report)
    for name, form in FORMS.items():
        for number in ids if form.number else (0,):
            wanted = ExportOptions(capture, (), number, secrets=False, bodies=True)
            with contextlib.suppress(UserError):  # a request that cannot be sent again
                yield f"export --{name}", b"".join(form.write(report, wanted)).decode()
    run = runs.of_report(report, number=1, started_ns=0, duration_ns=1, status=1)
    yield "row of a hunt", runs.encode(run).decode()
    hunt = Hunt(capture.parent, [run])
    yield "hunt", words.text(conclude(hunt), capture.parent, [run])
    yield "hunt --json", words.encode(conclude(hunt), capture.parent).decode()


def _finding(ids: list[int]) -> Finding:
    """A finding on these exchanges: pages show them in full."""
    return Finding(
        "keepalive-idle-race", "A claim.", "both", "likely", ids, [1], [Evidence(1, "It.")], "Nothing."
    )
