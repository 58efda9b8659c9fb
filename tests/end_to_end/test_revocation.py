"""A real handshake that waits for a real, slow answer about revocation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.recorded import record

if TYPE_CHECKING:
    from pathlib import Path


def test_a_handshake_in_which_the_client_asks_about_revocation(tmp_path: Path) -> None:
    papers = certificates.make(tmp_path, (wires.HOST,))
    words = wires.python("revocation.py", papers.authority, papers.chain, papers.key)
    recorded = record(tmp_path, *words)
    assert recorded.stdout == "HTTP/1.1 200 OK\n"
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["failure"]) == ("ocsp-or-crl-delay", False)
    (about,) = finding["connections"]
    (connection,) = (c for c in recorded.report["connections"] if c["id"] == about)
    assert connection["tls"] is not None
