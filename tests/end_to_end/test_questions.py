"""Real servers that ask for another handshake in the middle of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.recorded import record
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

SAID = {
    "refused": "SSLError",
    "renegotiated": "200",
    "empty": "403",
    "certified": "200",
    "not-offered": "403",
}
"""What each client gets."""

CODE = "renegotiation-or-postauth-stall"
FOUND = {"refused": (CODE, "both", "proved"), "empty": (CODE, "client", "likely")}
"""Nothing of the others: two were answered, and of the last no question is on the wire."""


def test_what_is_found_where_servers_ask_for_another_handshake(tmp_path: Path) -> None:
    needs("openssl")
    papers = certificates.make(tmp_path, (wires.HOST,))
    words = wires.python("asking.py", papers.authority, papers.chain, papers.key)
    recorded = record(tmp_path, *words)
    lines = [line.split() for line in recorded.stdout.splitlines()]
    ports = {port: name for name, port, _ in lines}
    assert {name: said for name, _, said in lines} == SAID
    names = {c["id"]: ports.get(c["server"].rpartition(":")[2]) for c in recorded.report["connections"]}
    found = {
        names[number]: (finding["code"], finding["fault"], finding["certainty"])
        for finding in recorded.report["findings"]
        for number in finding["connections"]
    }
    assert found == FOUND
