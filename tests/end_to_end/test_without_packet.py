"""Programs that fail without a packet of their own: the kernel told them, and the report says so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.end_to_end.recorded import record
from tests.needs import needs, tool

if TYPE_CHECKING:
    from tests.end_to_end.recorded import Recorded

CLIENT = Path(__file__).parent / "clients" / "without_packet.py"


def run(folder: Path, kind: str, *inside: object) -> Recorded:
    return record(folder, sys.executable, CLIENT, kind, inside=inside)


def test_twenty_refused_connects_that_block_are_twenty_failures(tmp_path: Path) -> None:
    """Their sockets have no local address yet when connect() fails: 0.0.0.0."""
    recorded = run(tmp_path, "refused")
    (finding,) = recorded.report["findings"]
    assert finding["code"] == "connection-refused"
    assert len(finding["connections"]) == 20
    assert "Its connect() failed with ECONNREFUSED" in finding["program_says"]
    assert all(said["code"] == "connection-refused" for said in recorded.report["program"]["said"])


def test_a_request_that_met_an_earlier_reset_never_left(tmp_path: Path) -> None:
    recorded = run(tmp_path, "reset")
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["fault"]) == ("stale-connection-reuse", "client")
    assert "the request never left" in finding["claim"]
    assert len(finding["connections"]) == 2  # requests 1 and 3 were answered, 2 and 4 met the reset
    assert "ConnectionResetError" in finding["program_says"]


def test_host_without_a_route(tmp_path: Path) -> None:
    needs("root", "unshare", "ip")
    recorded = run(tmp_path, "no-route", tool("unshare"), "--net")
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["connections"]) == ("no-route", [])
    assert "failed 3 times with ENETUNREACH" in finding["claim"]
