"""How large the page of many exchanges is, and how long a browser takes to show it.

    python bench/big_page.py [--exchanges 50000]

Prints the size without bodies (aim: 15 MB for 50,000), the time that writing it takes, and what headless
Chromium needs from the beginning of loading to the first view (aim: 2 s) and until all exchanges are there;
then to sort, to search and to scroll to the end. And the machine's load, which decides over all of these.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.model import (
    CloseEvent,
    Connection,
    Coverage,
    Endpoint,
    Evidence,
    Exchange,
    Finding,
    Report,
    Request,
    Response,
    Side,
    TlsInfo,
)
from plainwire.report import html

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH_NS = 1_700_000_000_000_000_000
MS = 1_000_000
ON_ONE_CONNECTION = 40
FAILING = 97
"""One exchange of so many."""


def many(exchanges: int) -> Report:
    """A report of so many exchanges, with fields such as an API's, each with an id and a date of its own."""
    made: list[Exchange] = []
    connections = []
    for number in range(0, exchanges, ON_ONE_CONNECTION):
        connection = _connection(1 + number // ON_ONE_CONNECTION, number)
        on_it = [_exchange(connection, n) for n in range(number, min(exchanges, number + ON_ONE_CONNECTION))]
        connection.exchanges = on_it
        connections.append(connection)
        made += on_it
    failed = [e for e in made if e.outcome != "complete"]
    finding = Finding(
        "reset-mid-request",
        f"{len(failed)} of {exchanges} requests: the server had the request and reset the connection.",
        "server",
        "likely",
        [e.id for e in failed],
        sorted({e.connection for e in failed}),
        [Evidence(e.request.packet, "the request") for e in failed[:20] if e.request],
        "an answer",
    )
    coverage = Coverage(packets=exchanges * 4, connections=len(connections), decrypted=len(connections))
    return Report(coverage, connections, made, [], [finding] if failed else [])


def _connection(identity: int, first: int) -> Connection:
    begin = EPOCH_NS + first * 20 * MS
    end = begin + 900 * MS
    client, server = Endpoint("192.0.2.7", 20000 + identity % 40000), Endpoint("203.0.113.7", 443)
    return Connection(
        identity, client, server, first * 4 + 1, begin, last_packet=(first + ON_ONE_CONNECTION) * 4,
        last_ns=end, packets=ON_ONE_CONNECTION * 4,
        tls=TlsInfo("TLS 1.3", "TLS_AES_128_GCM_SHA256", "http/1.1", "api.example", began_ns=begin + MS,
                    finished_ns=begin + 3 * MS),
        decrypted=True, closes=[CloseEvent("fin", Side.SERVER, end, first * 4 + 9, 9000, 8000)],
    )  # fmt: skip


def _exchange(connection: Connection, number: int) -> Exchange:
    place = number % ON_ONE_CONNECTION
    at = connection.opened_ns + (5 + 20 * place) * MS
    packet = number * 4 + 1
    fields = [
        ("Host", "api.example"), ("User-Agent", "python-requests/2.32.3"), ("Accept", "application/json"),
        ("Accept-Encoding", "gzip, deflate"), ("Connection", "keep-alive"),
        ("Authorization", f"Bearer abcdefghijklmnopqrstuvwxyz{number:08}"),
        ("X-Request-Id", f"5f0e{number:08x}-77aa-4c1e-9c22-{number:012x}"),
    ]  # fmt: skip
    second = number // 50
    answer = [
        ("Server", "nginx/1.25.3"),
        ("Date", f"Tue, 14 Nov 2023 22:{second // 60 % 60:02}:{second % 60:02} GMT"),
        ("Content-Type", "application/json"), ("Content-Length", str(900 + number % 700)),
        ("Connection", "keep-alive"), ("ETag", f'"{number * 7919 % 0xFFFFFFFF:08x}"'),
    ]  # fmt: skip
    target = f"/v1/accounts/{number % 977}/orders/{number}?page={number % 9}"
    request = Request(
        ("GET", "POST", "PUT")[number % 3], target, "HTTP/1.1", fields, 0, 0, packet=packet,
        last_packet=packet, time_ns=at, last_ns=at, complete=True,
    )  # fmt: skip
    exchange = Exchange(
        number + 1, connection.id, place + 1, request, None, "unanswered",
        idle_before_ns=(number * 37 % 900) * MS if place else None,
    )  # fmt: skip
    if number % FAILING:
        end = at + (4 + number % 11) * MS
        exchange.response = Response(
            503 if number % 211 == 0 else 200, "OK", "HTTP/1.1", answer, 0, 0,
            packet=packet + 2, last_packet=packet + 3, time_ns=end - MS, last_ns=end,
            body_size=900 + number % 700, complete=True,
        )  # fmt: skip
        exchange.outcome, exchange.duration_ns = "complete", end - at
    return exchange


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--exchanges", type=int, default=50_000)
    asked = parser.parse_args()
    report = many(asked.exchanges)
    began = time.perf_counter()
    text = html.render(report)
    wrote = time.perf_counter() - began
    print(f"{asked.exchanges:,} exchanges: {len(text.encode()) / 1e6:.1f} MB, written in {wrote:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.html")
        file.write_text(text)
        for name, seconds in measure(file).items():
            print(f"  {name:<14} {seconds:.2f} s")
    print(f"  load           {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def measure(file: Path) -> dict[str, float]:
    """What a browser takes, in seconds, by what it did."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the size is known without

    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium here: only the size was measured")
    times: dict[str, float] = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(file.as_uri(), wait_until="commit")
        page.wait_for_selector('[role="rowgroup"] [role="row"]')
        times["first view"] = time.perf_counter() - began
        page.wait_for_selector("html[data-ready]")
        times["all rows"] = time.perf_counter() - began
        acts: list[tuple[str, Callable[[], object]]] = [
            ("sort", lambda: page.click('[role="columnheader"] >> text=Took')),
            ("search", lambda: page.fill('input[type="search"]', "orders/49")),
            ("last row", lambda: page.press('[role="grid"]', "End")),
        ]
        for name, act in acts:
            began = time.perf_counter()
            act()
            page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
            times[name] = time.perf_counter() - began
        browser.close()
    return times


if __name__ == "__main__":
    main()
