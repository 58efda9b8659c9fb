"""The page as people use it: in Chromium, with mouse and keyboard, in both themes, on paper, on a phone.

Screenshots stay in build/screenshots, to be looked at.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import big_page
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright

from plainwire import pipeline
from plainwire.report import html
from plainwire.report.page.about import About
from tests.needs import needs, tool, without
from tests.report.samples import failing, report, rich

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.model import Report

TOP = Path(__file__).parents[2]
SHOTS = TOP / "build" / "screenshots"
AXE = TOP / "web" / "node_modules" / "axe-core" / "axe.min.js"
MANY = 50_000
SERIOUS = ("serious", "critical")
expect.set_options(timeout=60_000)  # a busy machine is no fault of the page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = tool("chromium")
    with sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a page, and asserts in the end that it fetched nothing, ran nothing foreign, logged no error."""
    troubles: list[str] = []
    fetched: list[str] = []

    def logged(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            troubles.append(message.text)

    def failed(error: Error) -> None:
        troubles.append(str(error))

    def show(text: str, *, width: int = 1360, dark: bool = False) -> Page:
        file = tmp_path / "report.html"
        file.write_text(text)
        page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",  # nothing moves under the mouse
        )
        page.on("console", logged)
        page.on("pageerror", failed)
        page.on("dialog", lambda dialog: troubles.append(f"a script ran: {dialog.message}"))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

    yield show
    for context in browser.contexts:
        context.close()
    assert troubles == []
    assert [url for url in fetched if not url.startswith("file:")] == []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a case that `plainwire demo` leaves."""
    needs("root", "dumpcap")
    folder = tmp_path_factory.mktemp("demo") / "cases"
    command = [sys.executable, "-m", "plainwire", "demo", "reset-mid-request", "-o", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (page,) = folder.rglob("report.html")
    return page.read_text()


def shot(page: Page, name: str, *, whole: bool = True) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=whole)


def test_the_demos_page_leads_from_the_verdict_to_the_packet(opened: Callable[..., Page], demo: str) -> None:
    page = opened(demo)
    shot(page, "demo")
    expect(page.get_by_role("heading", level=1)).to_contain_text("of 40 requests failed")
    page.locator(".causes a").first.click()
    expect(page.locator("#finding-1")).to_be_focused()
    deciding = page.locator(".sequence").first.locator(".arrow.decides.close")
    packet = deciding.first.get_attribute("aria-label").split(",")[0]  # type: ignore[union-attr]
    deciding.first.press("Enter")
    expect(page.locator(".packet-facts").first).to_contain_text(packet.capitalize())
    expect(page.locator(".packet-facts").first).to_contain_text("frame.number ==")
    page.locator("#finding-1 .links a").first.click()
    expect(page.locator("#detail")).to_contain_text("Host")
    page.get_by_role("tab", name="Timing").click()
    expect(page.locator("#detail")).to_contain_text("Waiting, in vain")
    shot(page, "demo-detail", whole=False)
    page.locator("#detail").get_by_role("link", name="reset-mid-request").click()
    expect(page.locator("#finding-1")).to_be_focused()
    page.locator("#finding-1 .links a").first.click()
    page.locator("#detail .chips a").first.click()  # its connection
    expect(page.locator(".pill")).to_contain_text("Connection")
    rows = page.locator('[role="rowgroup"] [role="row"]')
    expect(rows.filter(has=page.locator(".status.failed"))).to_have_count(1)


def test_themes_change_and_stay_readable(opened: Callable[..., Page], demo: str) -> None:
    page = opened(demo, dark=True)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    shot(page, "demo-dark")
    page.get_by_label("Theme").select_option("light")
    expect(page.locator("body")).not_to_have_css("background-color", dark)
    page.get_by_label("Theme").select_option("dark")
    expect(page.locator("body")).to_have_css("background-color", dark)


@pytest.mark.parametrize("how", ["light", "dark", "phone"])
def test_axe_finds_no_serious_fault(opened: Callable[..., Page], demo: str, how: str) -> None:
    if not AXE.exists():
        without("web/node_modules is missing: make web/node_modules")
    page = opened(demo, dark=how == "dark", width=390 if how == "phone" else 1360)
    page.locator("#finding-1 .links a").first.click()
    expect(page.locator("#detail")).to_be_visible()
    # Chromium's own evaluate is not bound by the page's policy
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then(r => r.violations)")
    assert [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found if v["impact"] in SERIOUS] == []


def test_on_a_phone_nothing_sticks_out(opened: Callable[..., Page], demo: str) -> None:
    page = opened(demo, width=390)
    shot(page, "demo-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_paper_all_is_there_and_nothing_that_is_only_for_the_screen(
    opened: Callable[..., Page], demo: str
) -> None:
    page = opened(demo)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator(".filters")).to_be_hidden()
    rows = page.locator('[role="rowgroup"] [role="row"]')
    expect(rows).to_have_count(40)
    expect(rows.first.locator(".status")).to_have_class("status failed")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.pdf(path=SHOTS / "demo.pdf", format="A4")


def test_lanes_zoom_by_keyboard_and_by_drag(opened: Callable[..., Page], demo: str) -> None:
    page = opened(demo)
    axis = page.get_by_role("slider")
    before = axis.get_attribute("aria-valuetext")
    expect(page.locator(".bar.failed").first).to_be_attached()
    axis.press("+")
    expect(axis).not_to_have_attribute("aria-valuetext", before or "")
    axis.press("0")
    expect(axis).to_have_attribute("aria-valuetext", before or "")
    axis.drag_to(axis, source_position={"x": 100, "y": 10}, target_position={"x": 300, "y": 10})
    expect(axis).not_to_have_attribute("aria-valuetext", before or "")


def test_fifty_thousand_exchanges_sort_filter_search_and_scroll(opened: Callable[..., Page]) -> None:
    made = big_page.many(MANY)
    text = html.render(made)
    assert len(text) < 16_000_000
    page = opened(text)
    rows = page.locator('[role="rowgroup"] [role="row"]')
    expect(rows.nth(5)).to_be_attached()
    assert rows.count() < 100
    shot(page, "many", whole=False)
    grid = page.get_by_role("grid")
    grid.press("End")
    expect(page.locator(f"#row-{MANY}")).to_be_visible()
    expect(page.locator("#detail h3")).to_contain_text(f"Exchange {MANY}")
    grid.press("Home")
    expect(page.locator("#row-1")).to_be_visible()
    grid.press("Escape")
    page.get_by_role("columnheader", name="Took").get_by_role("button").click()
    page.get_by_role("columnheader", name="Took").get_by_role("button").click()
    longest = max(e.duration_ns or 0 for e in made.exchanges)
    slowest = page.locator('[aria-rowindex="2"]')
    expect(slowest.locator(".status.failed")).to_have_count(1)  # unanswered until the connection's end
    assert longest < 20_000_000
    page.locator(".filters").get_by_role("button", name="Failed").click()
    failed = sum(e.outcome != "complete" for e in made.exchanges)
    expect(page.locator("#exchanges .note").first).to_contain_text(f"{failed} of 50,000")
    page.locator(".filters").get_by_role("button", name="All").click()
    page.get_by_role("searchbox").fill("x-request-id 0000000c349")  # in a header field of exchange 49,994
    expect(page.locator("#exchanges .note").first).to_contain_text("1 of 50,000")
    expect(page.locator('[aria-rowindex="2"]')).to_contain_text("/orders/49993")


def test_of_very_many_exchanges_the_first_are_seen_before_the_rest_is_there(
    opened: Callable[..., Page],
) -> None:
    text = html.render(big_page.many(6_000))
    page = opened(text.partition('<script type="application/json" id="facts">')[0])
    note, rows = page.locator("#exchanges .note").first, page.locator('[role="rowgroup"] [role="row"]')
    expect(note).to_contain_text("200 exchanges; 5,800 more are missing: the file is not whole")
    expect(page.get_by_role("heading", level=1)).to_contain_text("of 6000 requests failed")
    expect(page.locator("#finding-1")).to_be_visible()
    expect(rows.first).to_contain_text("/orders/0")
    whole = opened(text)
    expect(whole.locator("#exchanges .note").first).to_have_text("6,000 exchanges")
    expect(whole.locator("#connections .note").first).to_contain_text("150 connections on one time axis")
    whole.evaluate("location.hash = '#exchange-5999'")
    expect(whole.locator("#detail h3")).to_contain_text("Exchange 5999")


def test_a_name_in_a_column_can_be_sorted_by_both_ways(opened: Callable[..., Page]) -> None:
    page = opened(html.render(big_page.many(200)))
    header = page.get_by_role("columnheader", name="Method")
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    expect(page.locator('[aria-rowindex="2"]')).to_contain_text("GET")
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "descending")
    expect(page.locator('[aria-rowindex="2"]')).to_contain_text("PUT")


def _escapes() -> Report:
    capture = TOP.parent / "shared" / "robust" / "escapes.pcap"
    if not capture.exists():
        without("the capture with escapes", part_of_the_judgement=False)
    return pipeline.analyze([capture])


def _markup() -> Report:
    """Markup wherever the wire can put it."""
    attack = "</script><img src=x onerror=alert(1)><svg/onload=alert(2)>'\"{{7*7}}${alert(3)}<!--"
    connection = rich(failing(f"/{attack}"))
    for exchange in connection.exchanges:
        if exchange.request is not None:
            exchange.request.headers.append((attack, attack))
            exchange.request.method = attack
        if exchange.response is not None:
            exchange.response.reason = attack
            exchange.response.headers.append(("Server", attack))
    if connection.tls is not None:
        connection.tls.server_name = attack
    made = report(connection)
    made.findings[0].program_says = attack
    return made


@pytest.mark.parametrize("hostile", [_escapes, _markup])
def test_what_comes_off_the_wire_is_text_and_nothing_else(
    opened: Callable[..., Page], hostile: Callable[[], Report]
) -> None:
    made = hostile()
    page = opened(html.render(made, About("<img src=x onerror=alert(4)>"), bodies=True))
    own = page.evaluate("document.querySelectorAll('img, iframe, object, embed, link, base, form').length")
    assert own == 0
    for exchange in made.exchanges[:6]:
        page.evaluate("id => { location.hash = `exchange-${id}` }", exchange.id)
        expect(page.locator("#detail h3")).to_contain_text(f"Exchange {exchange.id}")
        for name in ("Body", "Timing", "Raw", "Packets"):
            page.get_by_role("tab", name=name).click()
    assert page.evaluate("document.querySelectorAll('img, script').length") == 2  # the facts and the program
    shown = page.evaluate("document.body.innerText")
    assert not [c for c in shown if not c.isprintable() and c not in "\n\t\u00a0\xad"]


def test_without_scripts_the_verdict_and_the_failures_are_read_all_the_same(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(html.render(report(failing())))
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(file.as_uri())
    expect(page.locator("h1")).to_contain_text("requests failed")
    expect(page.locator("body")).to_contain_text("reset-mid-request")


def test_a_case_of_nothing_opens_too(opened: Callable[..., Page]) -> None:
    page = opened(html.render(report()))
    expect(page.get_by_role("heading", level=1)).to_contain_text("No HTTP request could be seen")
