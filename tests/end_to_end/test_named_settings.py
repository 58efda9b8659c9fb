"""A real nginx, a real curl and a real Node.js: they are recognised, and their settings named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.end_to_end.recorded import record
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Server
    from tests.end_to_end.recorded import Recorded


def _settings(recorded: Recorded, code: str) -> dict[str, str]:
    """What is named for the only finding of that code, by program."""
    (finding,) = [f for f in recorded.report["findings"] if f["code"] == code]
    return {setting["product"]: setting["says"] for setting in finding["settings"]}


def test_a_head_that_is_too_large_for_nginx(nginx: Server, tmp_path: Path) -> None:
    needs("curl")
    cookie = f"Cookie: a={'x' * 9000}"
    recorded = record(
        tmp_path, "curl", "-s", "-o", "/dev/null", "--cacert", nginx.authority, "-H", cookie, f"{nginx.url}/a"
    )
    assert _settings(recorded, "header-growth-431")["nginx"].startswith(
        "nginx: large_client_header_buffers 4 9k;"
    )


def test_an_authority_that_curl_does_not_know(nginx: Server, tmp_path: Path) -> None:
    needs("curl")
    recorded = record(tmp_path, "curl", "-s", f"{nginx.url}/a")
    finding = recorded.report["findings"][0]
    assert _settings(recorded, finding["code"]) == {
        "curl": "curl: curl --cacert ca.pem (default: the system's)."
    }
    assert (finding["retry_safe"], finding["retry_useful"]) == (True, False)


def test_an_authority_that_node_does_not_know(nginx: Server, tmp_path: Path) -> None:
    needs("node")
    script = f"fetch('{nginx.url}/a').catch(error => {{ console.error(error); process.exit(1); }})"
    recorded = record(tmp_path, "node", "-e", script)
    finding = recorded.report["findings"][0]
    assert _settings(recorded, finding["code"])["Node.js"].startswith("Node.js: NODE_EXTRA_CA_CERTS=ca.pem (")
