"""TLS after a command in clear text: the client is ``openssl s_client -starttls``, the server is scripted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.clients.starttls import ANSWER, PROTOCOLS
from tests.end_to_end.recorded import record
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"postgres": "PostgreSQL", "mysql": "MySQL"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_openssl_s_client_with_a_scripted_server(protocol: str, tmp_path: Path) -> None:
    needs("root", "openssl")
    papers = certificates.make(tmp_path, (wires.HOST,))
    listener = wires.listening()
    port = listener.getsockname()[1]
    command = wires.python("starttls.py", listener.fileno(), protocol, papers.bundle)
    request = "GET /inside HTTP/1.1\\r\\nHost: test\\r\\n\\r\\n"
    client = f"printf '{request}' | openssl s_client -quiet -starttls {protocol} -connect {wires.HOST}:{port}"
    with wires.started(command, tmp_path / "output", [listener]):
        recorded = record(tmp_path, "sh", "-c", client)
    assert recorded.stdout.endswith(ANSWER.decode().replace("\r\n", "\n"))
    (exchange,) = recorded.exchanges_with(port)
    assert (exchange["request"]["target"], exchange["response"]["status"]) == ("/inside", 200)
    assert exchange["outcome"] == "complete"
    (connection,) = recorded.report["connections"]
    assert [t["kind"] for t in connection["tunnels"]] == [
        f"STARTTLS ({NAMES.get(protocol, protocol.upper())})"
    ]
    assert connection["tls"]["version"] == "TLS 1.3"
