"""curl ends for reasons of its own: its exit status tells, and the wire beside it shows no failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.misbehaving import serving
from tests.end_to_end.recorded import record
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

PIN = "sha256//" + "A" * 43 + "="


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (23, ["-o", "/dev/full"]),
        (58, ["--cert", "/nowhere.pem"]),
        (90, ["--pinnedpubkey", PIN]),
        (77, ["--cacert", "/nowhere.pem"]),
    ],
)
def test_a_status_that_only_curl_can_explain(tmp_path: Path, status: int, options: list[str]) -> None:
    needs("curl")
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as server:
        command = [tool("curl"), "-sS", "--cacert", str(server.authority), *options, server.url("ok")]
        recorded = record(tmp_path, *command)
    assert recorded.status == status
    (finding,) = [found for found in recorded.report["findings"] if found["failure"]]
    assert finding["code"] == "client-own-error"
    assert f"exit status {status}: " in finding["claim"]


def test_a_url_that_is_none(tmp_path: Path) -> None:
    needs("curl")
    recorded = record(tmp_path, tool("curl"), "-sS", "http://a b/")
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["fault"], finding["connections"]) == ("client-own-error", "client", [])
