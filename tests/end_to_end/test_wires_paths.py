"""What lies below TCP and UDP, made by the kernel: IPv6, a VXLAN, fragments, ICMP errors."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING, Any

from plainwire.lab import certificates
from tests.end_to_end import networks, wires
from tests.end_to_end.clients.http3 import UPLOAD
from tests.end_to_end.recorded import Recorded, record, record_all
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SERVER = """
server {
    listen {0} ssl;
    ssl_protocols TLSv1.3;
    location / { return 200 "an object\\n"; }
}
"""


def curl(server: wires.Nginx, host: str, *options: object) -> list[object]:
    needs("curl")
    words = ["curl", "-s", "--cacert", server.papers.authority, "-w", "%{http_code}", "-o", "/dev/null"]
    return [*words, *options, server.url("/object", host=host)]


def assert_answered(recorded: Recorded, server: wires.Nginx) -> dict[str, Any]:
    """One complete exchange, which the server's log has too; its connection."""
    assert recorded.stdout == "200"
    (exchange,) = recorded.report["exchanges"]
    assert (exchange["request"]["target"], exchange["response"]["status"]) == ("/object", 200)
    assert exchange["outcome"] == "complete"
    (connection,) = recorded.report["connections"]
    assert recorded.report["findings"] == []
    (line,) = server.logged()
    assert (line.target, line.client_port) == ("/object", int(connection["client"].rpartition(":")[2]))
    return dict(connection)


def test_ipv6(tmp_path: Path) -> None:
    with wires.nginx(tmp_path / "nginx", SERVER, hosts=[wires.HOST6]) as server:
        recorded = record(tmp_path, *curl(server, "[::1]"))
        connection = assert_answered(recorded, server)
    assert connection["server"] == f"[::1]:{server.ports[0]}"


def test_a_vxlan_is_read_on_the_device_that_carries_it_and_once_on_both(tmp_path: Path) -> None:
    with networks.network() as here, networks.network() as there:
        ends = networks.join(here, there, 0)
        for network, device, own, other, last in ((here, "east", *ends, 1), (there, "west", *ends[::-1], 2)):
            network.ip(
                f"link add tunnel type vxlan id 7 local {own} remote {other} dstport 4789 dev {device}",
                f"addr add 10.80.0.{last}/24 dev tunnel",
                "link set tunnel up",
            )
        host = "10.80.0.2"
        with wires.nginx(tmp_path / "one", SERVER, hosts=[host], listen=there.listening) as server:
            command = curl(server, host)
            below = record(tmp_path / "below", *command, options=("-i", "east"), inside=here.inside)
            both = record(tmp_path / "both", *command, inside=here.inside)
            logged = [line.target for line in server.logged()]
    assert logged == ["/object", "/object"]
    for recorded in (below, both):
        assert recorded.stdout == "200"
        (exchange,) = recorded.report["exchanges"]
        assert (exchange["request"]["target"], exchange["outcome"]) == ("/object", "complete")
        (connection,) = recorded.report["connections"]
        assert connection["server"] == f"{host}:{server.ports[0]}"
        assert recorded.report["findings"] == []
    assert "duplicates" not in below.report["connections"][0]
    (connection,) = both.report["connections"]
    assert connection["duplicates"] > 5 > sum(connection["retransmissions"])  # a slow machine makes real ones


def test_an_http3_upload_in_ip_fragments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with networks.network() as here, networks.network() as there:
        _, host = networks.join(here, there, 0)
        here.ip("link set east mtu 1300")
        there.ip("link set west mtu 1300")
        papers = certificates.make(tmp_path, (host,))
        options = ["--certfile", papers.chain, "--keyfile", papers.key]
        with there.datagrams(host) as datagrams:
            port = datagrams.getsockname()[1]
            options += ["--quic-bind", f"fd://{datagrams.fileno()}"]
            with wires.hypercorn(tmp_path / "output", *options, datagrams=[datagrams]):
                monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
                words = wires.python("http3.py", host, port, 3000, 60, papers.authority, "POST:/large")
                recorded = record(tmp_path, *words, inside=here.inside)
    assert recorded.stdout.startswith("h3|200|/large|")
    (exchange,) = recorded.report["exchanges"]
    assert (exchange["request"]["body_size"], exchange["outcome"]) == (len(UPLOAD), "complete")
    assert recorded.report["connections"][0]["quic"]["missing_packets"] == [0, 0]
    assert recorded.report["findings"] == []
    assert _count(recorded, "ip.flags.mf == 1") > len(UPLOAD) // 3000


def _count(recorded: Recorded, display_filter: str) -> int:
    """So many packets of the capture are such, as tshark says."""
    command = [tool("tshark"), "-r", str(recorded.case.capture), "-Y", display_filter]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return len(done.stdout.splitlines())


def test_a_router_that_says_fragmentation_needed(tmp_path: Path) -> None:
    with networks.network() as here, networks.network() as router, networks.network() as there:
        _, gateway = networks.join(here, router, 0)
        back, host = networks.join(router, there, 1, names=("far", "west"))
        router.forwards()
        router.ip("link set far mtu 1000")
        here.ip(f"route add default via {gateway}")
        there.ip(f"route add default via {back}")
        with wires.nginx(tmp_path / "nginx", SERVER, hosts=[host], listen=there.listening) as server:
            upload = tmp_path / "upload"
            upload.write_bytes(UPLOAD)
            recorded = record(
                tmp_path, *curl(server, host, "--data-binary", f"@{upload}"), inside=here.inside
            )
            connection = assert_answered(recorded, server)
    (exchange,) = recorded.report["exchanges"]
    assert exchange["request"]["body_size"] == len(UPLOAD)
    error = connection["icmp_errors"][0]
    assert (error["sender"], error["type"], error["code"]) == (gateway, 3, 4)


def test_a_router_without_a_route(tmp_path: Path) -> None:
    needs("curl")
    with networks.network() as here, networks.network() as router:
        _, gateway = networks.join(here, router, 0)
        router.forwards()
        here.ip(f"route add default via {gateway}")
        words = ["curl", "-s", "--connect-timeout", "20", "https://10.99.0.1/"]
        recorded = record(tmp_path, *words, inside=here.inside)
    assert recorded.status == 7  # CURLE_COULDNT_CONNECT
    (connection,) = recorded.report["connections"]
    assert connection["server"] == "10.99.0.1:443"
    assert [(e["sender"], e["type"], e["code"]) for e in connection["icmp_errors"]] == [(gateway, 3, 0)]


def test_a_quic_port_that_nobody_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("root")
    papers = certificates.make(tmp_path, (wires.HOST,))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((wires.HOST, 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    words = wires.python("http3.py", wires.HOST, port, 1200, 1, papers.authority, "/")
    recorded = record_all(tmp_path, *words)
    (connection,) = (c for c in recorded.report["connections"] if c["server"].endswith(f":{port}"))
    assert (connection["transport"], connection["bytes"][1]) == ("quic", 0)
    errors = {(e["sender"], e["type"], e["code"]) for e in connection["icmp_errors"]}
    assert errors == {(wires.HOST, 3, 3)}  # port unreachable (RFC 792)
