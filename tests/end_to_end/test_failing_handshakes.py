"""Handshakes that really fail, by OpenSSL's own reasons, and what plainwire makes of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.end_to_end import wires
from tests.end_to_end.recorded import record

if TYPE_CHECKING:
    from pathlib import Path

CAUSES = {
    "short": ("chain-incomplete", "server"),
    "expired": ("tls-alert-certificate-expired", "server"),
    "early": ("clock-skew-cert", "unknown"),
    "client-certificate": ("tls-alert-certificate-required", "client"),
    "version": ("tls-alert-protocol-version", "unknown"),
    "reset": ("handshake-reset", "server"),
    "close": ("handshake-reset", "server"),
    "clear": ("plaintext-on-tls-port", "unknown"),
    "refused": ("connection-refused", "server"),
}
"""What each server does to the code and the fault that must come out."""


def test_each_way_in_which_a_handshake_fails_has_its_cause(tmp_path: Path) -> None:
    recorded = record(tmp_path, sys.executable, wires.CLIENTS / "failing_handshakes.py", tmp_path)
    said = [line.split() for line in recorded.stdout.splitlines()]
    assert [name for name, _, _ in said] == ["healthy", *CAUSES], recorded.stdout
    found = {
        finding["connections"][0]: (finding["code"], finding["fault"])
        for finding in recorded.report["findings"]
        if finding["connections"]
    }
    ports = {
        c["server"].rpartition(":")[2]: c["id"] for c in recorded.report["connections"] if c["id"] in found
    }
    named = {name: found[ports[port]] for name, port, _ in said if port in ports}
    assert named == CAUSES
