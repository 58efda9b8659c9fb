"""Words off the wire in a finding: shown everywhere, with secrets hidden, escaped, and short."""

from __future__ import annotations

import orjson
from msgspec.structs import replace

from plainwire.model import Quoted
from plainwire.report import html, json, terminal
from tests.report.samples import failing, report

_REASON = "limit for \x1b[31m<script>alert(1)</script> token=hunter2 " + "x" * 5_000


def _outputs() -> list[str]:
    whole = report(failing())
    quoted = Quoted(7, "the reason in the GOAWAY", _REASON)
    whole.findings = [replace(whole.findings[0], quotes=[quoted])]
    return [terminal.verdict(whole), html.render(whole), json.encode(whole).decode()]


def test_a_quote_is_in_every_output_with_its_packet() -> None:
    for output in _outputs():
        assert "the reason in the GOAWAY" in output
        assert "limit for" in output
    (told,) = orjson.loads(_outputs()[2])["findings"][0]["quotes"]
    assert told["packet"] == 7


def test_a_quote_is_no_markup_no_escape_and_no_place_for_secrets() -> None:
    for output in _outputs():
        assert "\x1b" not in output
        assert "hunter2" not in output
        assert "xxxxxxxxx" * 200 not in output
    assert "<script>alert" not in _outputs()[1]
