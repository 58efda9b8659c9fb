"""An nginx that closes after two idle seconds and after seven requests: who must be accused, and who not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.recorded import python_client, record
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Server

PAUSES = (0, 0, 2.7)
"""Every third pause is longer than nginx's keepalive_timeout."""


def test_http_client_that_does_not_look_is_found_to_reuse_closed_connections(
    nginx: Server, tmp_path: Path
) -> None:
    recorded = record(tmp_path, *python_client("http.client", nginx, 7, *PAUSES))
    logged = {target for _, _, target in nginx.logged()}
    assert recorded.raised == ["/container/object-4", "/container/object-7"]
    assert recorded.targets("stale-connection-reuse") == recorded.raised
    assert recorded.codes() == {"stale-connection-reuse"}
    assert not logged & set(recorded.raised)
    assert {finding["fault"] for finding in recorded.report["findings"]} == {"client"}


def test_requests_that_looks_before_reuse_is_accused_of_nothing(nginx: Server, tmp_path: Path) -> None:
    recorded = record(tmp_path, *python_client("requests", nginx, 7, *PAUSES))
    assert recorded.status == 0
    assert recorded.report["findings"] == []


@pytest.mark.parametrize("client", ["http.client", "requests"])
def test_announced_close_after_seven_requests_is_no_finding(
    client: str, nginx: Server, tmp_path: Path
) -> None:
    recorded = record(tmp_path, *python_client(client, nginx, 30))
    assert recorded.status == 0
    assert recorded.report["findings"] == []
    assert _per_connection(nginx) == [7, 7, 7, 7, 2]
    ordinals = Counter(exchange["connection"] for exchange in recorded.exchanges_with(nginx.port))
    assert sorted(ordinals.values(), reverse=True) == [7, 7, 7, 7, 2]


def test_curl_over_announced_closes_is_accused_of_nothing(nginx: Server, tmp_path: Path) -> None:
    needs("curl")
    urls = [word for n in range(30) for word in ("-o", "/dev/null", f"{nginx.url}/object-{n}")]
    recorded = record(tmp_path, "curl", "-s", "--cacert", nginx.authority, *urls)
    assert recorded.status == 0
    assert recorded.report["findings"] == []
    seen = Counter(e["request"]["target"] for e in recorded.exchanges_with(nginx.port))
    assert seen == Counter(target for _, _, target in nginx.logged())


def _per_connection(server: Server) -> list[int]:
    return sorted(Counter(client for client, _, _ in server.logged()).values(), reverse=True)
