"""The page: self-contained, harmless, small."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from typing import TYPE_CHECKING

from plainwire.model import Coverage
from plainwire.report import html as page
from tests.diagnose.wire import Wire
from tests.report.samples import failing, healthy, report, with_settings

if TYPE_CHECKING:
    import pytest


class _Reader(html.parser.HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action")]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:  # neither style nor script
            self.text.append(data)


def read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader


def test_the_page_says_what_the_terminal_says() -> None:
    text = " ".join(read(page.render(report(healthy(), failing()))).text)
    assert "1 of 4 requests failed" in text
    assert "reset-mid-request" in text
    assert "RST, ACK from the server, Ack=199" in text
    assert "keepalive-idle-race: refuted" in text


def test_what_was_not_seen_is_on_the_page() -> None:
    text = page.render(report(healthy(), coverage=Coverage(undecrypted=[(3, "no secrets")])))
    assert "connection 3: no secrets." in text


def test_nothing_is_fetched_and_nothing_runs() -> None:
    reader = read(page.render(report(failing())))
    assert reader.links == []
    assert not {"img", "link", "iframe", "b"} & set(reader.tags)


def test_no_script_but_the_pages_own_may_run() -> None:
    text = page.render(report(failing()))
    assert re.findall(r"<script[^>]*>", text) == ["<script>", '<script type="application/json" id="facts">']
    own = text.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;;" in text
    assert "default-src &#39;none&#39;;" in text


def test_the_facts_can_be_read_back_and_hold_no_markup() -> None:
    text = page.render(report(failing("/</script><script>alert(1)</script>&amp;")))
    facts = text.partition('id="facts">')[2].partition("</script>")[0]
    assert not set("<>&") & set(facts)
    assert any("</script><script>alert(1)</script>&amp;" in t for t in json.loads(facts)["texts"])


def test_no_secrets_no_bodies_no_control_characters() -> None:
    text = page.render(report(failing()))
    assert "hunter2" not in text
    assert "[redacted]" in text
    assert all(line.isprintable() for line in text.splitlines())


def test_a_long_table_is_cut_around_the_failures_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "ROWS", 30)
    wire = Wire(id=2, first_exchange=1000, first_packet=9000)
    for number in range(page.ROWS + 100):
        wire.ok(number * 100.0)
    wire.ask((page.ROWS + 100) * 100.0, "/the-last")
    wire.close(wire.rows[-1].side.peer, "rst", (page.ROWS + 100) * 100.0 + 80)
    text = page.render(report(wire.done("unanswered")))
    assert f"{page.ROWS} of {page.ROWS + 101} exchanges" in text
    assert "/the-last" in text


def test_settings_stand_in_the_page_with_their_sources_and_a_retry_with_what_it_is_worth() -> None:
    made = with_settings(report(failing()))
    made.findings[0].retry_safe, made.findings[0].retry_useful = True, False
    text = page.render(made)
    for part in (
        "keepalive_timeout 91s;",
        "https://nginx.org/en/docs/",
        "curl --retry 3",
        "it fails again until",
    ):
        assert part in text
