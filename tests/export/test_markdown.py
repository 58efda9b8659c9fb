"""The verdict in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.export import markdown
from tests.report.samples import with_settings

if TYPE_CHECKING:
    from plainwire.model import Report


def test_it_names_cause_blame_certainty_remedy_and_packets(report: Report) -> None:
    text = markdown.render(report)
    assert text.startswith("## plainwire: 1 of 3 attempts failed, all retried; ")
    for part in ("### 1. `reset-mid-request`", "**Who:**", "**How sure:**", "**Server:**", "| `PUT /doc` |"):
        assert part in text
    packet = report.findings[0].evidence[0].packet
    assert f"| {packet} | " in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("GET /a", "`GET /a`"),
        ("a`b``c", "```a`b``c```"),
        ("`a", "`` `a ``"),
        ("a|b", "`a\\|b`"),
        ("<b>@user\n", "`<b>@user\\n`"),
    ],
)
def test_what_came_off_the_wire_is_no_markup(text: str, span: str) -> None:
    assert markdown.code(text) == span


def test_settings_stand_below_the_advice_of_their_side(report: Report) -> None:
    lines = markdown.render(with_settings(report)).splitlines()
    server = next(n for n, line in enumerate(lines) if line.startswith("- **Server:**"))
    assert lines[server + 1].startswith("  - nginx: keepalive")
    assert "91s" in lines[server + 1]
