"""A haproxy that rejects one request in 25, held against its own log and the client's words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.recorded import Recorded, python_client, record
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Server

CUT_OFF = ("close-mid-request", "reset-mid-request")
"""haproxy's reject is a close_notify, a FIN and a reset, all within a tenth of a millisecond."""
COUNT = 120


@pytest.mark.parametrize("client", ["http.client", "requests"])
def test_every_rejected_request_is_found_and_no_other(client: str, haproxy: Server, tmp_path: Path) -> None:
    recorded = record(tmp_path, *python_client(client, haproxy, COUNT))
    rejected = sorted(target for _, status, target in haproxy.logged() if status == -1)
    assert recorded.raised == rejected
    assert recorded.targets(*CUT_OFF) == rejected
    assert recorded.codes() <= set(CUT_OFF)
    assert {finding["fault"] for finding in recorded.report["findings"]} <= {"server"}


def test_retries_that_curl_hides_are_found(haproxy: Server, tmp_path: Path) -> None:
    needs("curl")
    urls = [word for n in range(COUNT) for word in ("-o", "/dev/null", f"{haproxy.url}/object-{n}")]
    written = "%{url} %{http_code}\n"
    recorded = record(tmp_path, "curl", "-s", "--cacert", haproxy.authority, "-w", written, *urls)
    rejected = Counter(target for _, status, target in haproxy.logged() if status == -1)
    statuses = [line.split() for line in recorded.stdout.splitlines()]
    answered = {url.removeprefix(haproxy.url) for url, status in statuses if status == "200"}
    assert Counter(recorded.targets(*CUT_OFF)) == rejected
    retried = set(recorded.targets("hidden-retry"))
    assert rejected.keys() & answered <= retried <= rejected.keys()  # a retry may have been rejected as well
    assert recorded.codes() <= {*CUT_OFF, "hidden-retry"}


def test_report_counts_what_the_server_counted(haproxy: Server, tmp_path: Path) -> None:
    recorded = record(tmp_path, *python_client("http.client", haproxy, COUNT))
    seen = _seen(recorded, haproxy)
    assert seen == Counter((status, target) for _, status, target in haproxy.logged())


def _seen(recorded: Recorded, server: Server) -> Counter[tuple[int, str]]:
    """(status, target) of each exchange; -1 stands for no response, as in haproxy's log."""
    return Counter(
        (e["response"]["status"] if e["response"] else -1, e["request"]["target"])
        for e in recorded.exchanges_with(server.port)
    )
