"""Real clients that refuse a certificate in their own ways, and one that only looks whether TLS is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.recorded import Recorded, record
from tests.needs import tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SERVERS = """
ssl_protocols TLSv1.2 TLSv1.3;
server {
    listen {0} ssl;
    ssl_certificate FOLDER/chain.pem;
    ssl_certificate_key FOLDER/key.pem;
    location / { return 200 "an object\\n"; }
}
server {
    listen {1} ssl;
    ssl_verify_client on;
    ssl_client_certificate FOLDER/authority.pem;
    location / { return 200 "an object\\n"; }
}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[wires.Nginx, certificates.Certificates]]:
    folder = tmp_path / "wildcard"
    folder.mkdir()
    papers = certificates.make(folder, ("*.f.test", "f.test"))
    servers = (
        _SERVERS.replace("FOLDER/chain.pem", str(papers.chain))
        .replace("FOLDER/key.pem", str(papers.key))
        .replace("FOLDER/authority.pem", str(papers.authority))
    )
    with wires.nginx(tmp_path / "nginx", servers, hosts=[wires.HOST] * 2) as nginx:
        yield nginx, papers


def _curl(
    nginx: wires.Nginx, papers: certificates.Certificates, tmp_path: Path, name: str, *options: str
) -> Recorded:
    port = nginx.ports[0]
    words = [tool("curl"), "-sS", "--cacert", papers.authority, "--resolve", f"{name}:{port}:{wires.HOST}"]
    return record(tmp_path, *words, *options, f"https://{name}:{port}/object")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_refuses_a_wildcard_that_is_one_label_short(
    server: tuple[wires.Nginx, certificates.Certificates], tmp_path: Path, version: str
) -> None:
    recorded = _curl(*server, tmp_path, "a.b.f.test", f"--tlsv{version}", "--tls-max", version)
    assert recorded.status == 60  # curl: CURLE_PEER_FAILED_VERIFICATION
    (finding,) = recorded.report["findings"]
    assert finding["code"] in {"cert-refused-without-alert", "tls-alert-bad-certificate"}
    assert {quoted["text"] for quoted in finding["quotes"]} == {"a.b.f.test", "*.f.test, f.test"}


def test_a_name_that_the_wildcard_covers_is_accepted(
    server: tuple[wires.Nginx, certificates.Certificates], tmp_path: Path
) -> None:
    recorded = _curl(*server, tmp_path, "a.f.test")
    assert (recorded.status, recorded.stdout, recorded.report["findings"]) == (0, "an object\n", [])


def test_a_look_whether_tls_is_there_accuses_nobody_and_is_not_called_nothing(
    server: tuple[wires.Nginx, certificates.Certificates], tmp_path: Path
) -> None:
    nginx, _ = server
    words = ("s_client", "-connect", f"{wires.HOST}:{nginx.ports[0]}", "-servername", "a.f.test")
    recorded = record(tmp_path, "sh", "-c", f"{tool('openssl')} {' '.join(words)} </dev/null")
    assert recorded.report["coverage"]["connections"] == 1
    assert [(f["code"], f["fault"]) for f in recorded.report["findings"]] == [("unexplained", "unknown")]


def test_nginx_refuses_in_http_who_shows_no_certificate(
    server: tuple[wires.Nginx, certificates.Certificates], tmp_path: Path
) -> None:
    nginx, _ = server
    url = nginx.url("/object", number=1)
    recorded = record(tmp_path, tool("curl"), "-s", "--cacert", nginx.papers.authority, url)
    assert [line.status for line in nginx.logged()] == [400]
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["fault"]) == ("client-certificate-rejected", "client")
