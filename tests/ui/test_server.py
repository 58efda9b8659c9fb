"""Who may read a case from the local server, and who may not."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
import pytest

from plainwire.ui import server
from plainwire.ui.sources import encoded, of_paths
from tests.report.samples import failing, healthy, report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plainwire.ui.sources import Bodies


class _Sample:
    """A case that was not read from anywhere."""

    name = "sample"

    def __init__(self, path: Path) -> None:
        self._path = path

    def page(self) -> bytes:
        return encoded(report(healthy(), failing()), self._path)

    def bodies(self, exchange: int) -> Bodies | None:
        return (None, "a body") if exchange == 1 else None


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with server.serving([_Sample(tmp_path)]) as served:
        yield served.address


def ask(address: str, path: str = "", method: str = "GET", **fields: str) -> tuple[int, bytes]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    connection.request(method, parts.path + path, headers=named)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_page_its_case_and_a_body_are_served(address: str) -> None:
    status, page = ask(address)
    assert (status, page[:15]) == (200, b"<!DOCTYPE html>")
    assert b"connect-src &#39;self&#39;" in page
    status, facts = ask(address, "cases/0")
    assert status == 200
    assert orjson.loads(facts)["total"] == 4
    assert ask(address, "cases/0/bodies/1") == (200, b'[null,"a body"]')
    assert ask(address, "cases/0/bodies/99")[0] == 404
    assert ask(address, "cases/7")[0] == 404


def test_who_does_not_know_the_token_gets_nothing(address: str) -> None:
    parts = urlsplit(address)
    for path in ("/", "/cases/0", f"{parts.path[:-2]}x/", f"{parts.path[:-3]}/cases/0", "//", "/%2e%2e/"):
        bare = f"http://{parts.netloc}"
        assert ask(bare, path)[0] == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Host": "evil.example"}, 421),  # a name that was pointed at the loopback address
        ({"Host": "127.0.0.1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
    ],
)
def test_other_pages_are_refused_even_with_the_token(
    address: str, fields: dict[str, str], status: int
) -> None:
    assert ask(address, "cases/0", **fields)[0] == status


def test_cases_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    one, two, other = tmp_path / "a" / "case", tmp_path / "b" / "case", tmp_path / "c"
    assert [case.name for case in of_paths([one, two], ())] == ["a/case", "b/case"]
    assert [case.name for case in of_paths([one, other], ())] == ["case", "c"]


def test_nothing_can_be_written_and_nothing_is_kept(address: str) -> None:
    assert ask(address, method="POST")[0] == 405
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    connection.request("GET", f"{parts.path}cases/0")
    answer = connection.getresponse()
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.getheader("X-Frame-Options") == "DENY"
    assert parts.hostname == "127.0.0.1"
    connection.close()
