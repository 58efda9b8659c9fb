"""A record that is damaged on its way to nginx: seen before the damage, and behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.end_to_end import wires
from tests.end_to_end.recorded import record

if TYPE_CHECKING:
    from pathlib import Path


def test_where_a_record_was_damaged(tmp_path: Path) -> None:
    block = "server { listen {0} ssl; location / { return 200 ok; } }"
    with wires.nginx(tmp_path / "nginx", block) as nginx:
        command = wires.python("damaging.py", nginx.ports[0], nginx.papers.authority, 2)
        recorded = record(tmp_path, *command)
    far = f"{wires.HOST}:{nginx.ports[0]}"
    servers = {c["id"]: c["server"] for c in recorded.report["connections"]}
    found = [f for f in recorded.report["findings"] if f["failure"]]
    assert {f["code"] for f in found} == {"bad-record-mac"}
    before, behind = sorted(found, key=lambda f: servers[f["connections"][0]] == far)
    exchanges = {e["id"]: e["request"]["target"] for e in recorded.report["exchanges"]}
    assert [exchanges[number] for number in before["exchanges"]] == ["/1"]
    assert "damaged behind the place of capture" in before["claim"]
    assert servers[behind["connections"][0]] == far
    assert "damaged before it reached the point of capture" in behind["claim"]
    assert (before["fault"], behind["fault"]) == ("unknown", "unknown")
