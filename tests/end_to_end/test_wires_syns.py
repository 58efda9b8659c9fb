"""Options, ECN, TTL and timestamps of segments: the kernel's own TCP, its packet filter on the way."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
from typing import TYPE_CHECKING

from tests.end_to_end import networks, wires
from tests.end_to_end.recorded import Recorded, record, record_all
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

SERVER = """
server {
    listen {0} ssl;
    ssl_protocols TLSv1.3;
    keepalive_requests 1000;
    location /gone { return 444; }
    location / { return 200 "an object\\n"; }
}
"""
KEPT = "location /kept/ { root %s; dav_methods PUT; create_full_put_path on; }"
_DRAWN = 32
"""Connections whose timestamp offsets are looked at: every second one lags behind a given clock."""

SYN_ACK, ECN_SYN = "tcp flags & (syn|ack) == (syn|ack)", "tcp flags & (syn|ecn|cwr) == (syn|ecn|cwr)"


def filtered(network: networks.Network, hook: str, rule: str) -> None:
    """Have a network's packet filter apply one rule to TCP, where ``hook`` says."""
    table = f"table inet lab {{\n chain lab {{\n type filter hook {hook} priority 0\n {rule}\n }}\n}}\n"
    command = [*map(str, network.inside), tool("nft"), "-f", "-"]
    done = subprocess.run(command, input=table, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def curl(server: wires.Nginx, host: str, target: str, *options: object) -> str:
    needs("curl")
    words = ["curl", "-s", "--cacert", server.papers.authority, "-o", "/dev/null", *options]
    return shlex.join(str(word) for word in (*words, server.url(target, host=host)))


def counted(recorded: Recorded, display_filter: str) -> int:
    """So many packets of the capture are such, as tshark says."""
    command = [tool("tshark"), "-r", str(recorded.case.capture), "-Y", display_filter]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return len(done.stdout.splitlines())


def test_an_upload_whose_syn_ack_lost_its_window_scale(tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(bytes(200_000))
    with networks.network() as here, networks.network() as there:
        _, host = networks.join(here, there, 0)
        filtered(there, "output", f"tcp dport 41000 {SYN_ACK} reset tcp option window")
        keeping = SERVER.replace("location /gone", f"{KEPT % tmp_path} location /gone")
        with wires.nginx(tmp_path / "nginx", keeping, hosts=[host], listen=there.listening) as server:
            send = ("-T", upload, "-m", 4)
            script = [
                curl(server, host, "/kept/good", *send),
                curl(server, host, "/kept/held", *send, "--local-port", 41000),
            ]
            recorded = record(tmp_path, "sh", "-c", "; ".join(script), inside=here.inside)
            logged = [(line.target, line.status) for line in server.logged()]
    assert recorded.status == 28  # CURLE_OPERATION_TIMEDOUT
    assert logged[0] == ("/kept/good", 201)
    assert ("/kept/held", 201) not in logged
    assert counted(recorded, "tcp.flags.syn == 1 && tcp.flags.ack == 1 && !tcp.options.wscale") == 1
    (finding,) = (f for f in recorded.report["findings"] if f["failure"])
    assert (finding["code"], finding["fault"], finding["certainty"]) == (
        "window-scale-stripped",
        "path",
        "likely",
    )
    assert recorded.targets("window-scale-stripped") == ["/kept/held"]


def test_syns_that_offer_ecn_are_dropped(tmp_path: Path) -> None:
    with networks.network() as here, networks.network() as there:
        _, host = networks.join(here, there, 0)
        filtered(there, "input", f"{ECN_SYN} drop")
        with wires.nginx(tmp_path / "nginx", SERVER, hosts=[host], listen=there.listening) as server:
            ask, switch = curl(server, host, "/object"), "/proc/sys/net/ipv4/tcp_ecn"
            script = f"echo 1 > {switch}; {ask}; {ask}; {ask}; echo 0 > {switch}; {ask}"
            recorded = record(tmp_path, "sh", "-c", script, inside=here.inside)
            logged = [line.status for line in server.logged()]
    assert logged == [200] * 4
    assert counted(recorded, "tcp.flags.syn == 1 && tcp.flags.ece == 1 && tcp.flags.cwr == 1") == 3
    (finding,) = recorded.report["findings"]
    assert (finding["code"], finding["fault"], finding["certainty"], finding["failure"]) == (
        "ecn-or-dscp-blackhole",
        "path",
        "likely",
        False,
    )
    assert len(finding["connections"]) == 3


def test_where_ecn_is_accepted_nothing_is_said(tmp_path: Path) -> None:
    with networks.network() as here, networks.network() as there:
        _, host = networks.join(here, there, 0)
        with wires.nginx(tmp_path / "nginx", SERVER, hosts=[host], listen=there.listening) as server:
            script = f"echo 1 > /proc/sys/net/ipv4/tcp_ecn; {curl(server, host, '/object')}"
            recorded = record(tmp_path, "sh", "-c", script, inside=here.inside)
    assert counted(recorded, "tcp.flags.syn == 1 && tcp.flags.ece == 1") == 2
    assert recorded.report["findings"] == []


def test_a_ttl_that_steps_beside_a_failure(tmp_path: Path) -> None:
    with networks.network() as here, networks.network() as there:
        _, host = networks.join(here, there, 0)
        with wires.nginx(tmp_path / "nginx", SERVER, hosts=[host], listen=there.listening) as server:
            filtered(there, "output", f"tcp sport {server.ports[0]} quota over 3500 bytes ip ttl set 50")
            targets = " ".join(f"-o /dev/null {server.url(f'/{n}', host=host)}" for n in range(12))
            script = f"{curl(server, host, '/first')} {targets} -o /dev/null {server.url('/gone', host=host)}"
            recorded = record(tmp_path, "sh", "-c", script, inside=here.inside)
    findings = {finding["code"]: finding for finding in recorded.report["findings"]}
    assert findings["close-mid-request"]["failure"]
    told = findings["path-change"]
    assert (told["fault"], told["certainty"], told["failure"]) == ("unknown", "possible", False)
    assert "stepped from 64 to 50" in told["claim"]


def test_lost_syns_of_one_host_do_not_lag_behind_its_own_clock(tmp_path: Path) -> None:
    """Whatever this kernel's offsets of TSvals are: of each connection, or of each pair of addresses."""
    with networks.network() as here, networks.network() as there:
        _, host = networks.join(here, there, 0)
        filtered(there, "input", "tcp sport 41000 drop")
        with wires.nginx(tmp_path / "nginx", SERVER, hosts=[host], listen=there.listening) as server:
            lost = curl(server, host, "/lost", "--local-port", 41000, "--connect-timeout", 2)
            script = "; ".join([curl(server, host, "/object")] * 4 + [lost, curl(server, host, "/object")])
            recorded = record(tmp_path, "sh", "-c", script, inside=here.inside)
    (finding,) = (f for f in recorded.report["findings"] if f["failure"])
    assert finding["code"] == "syn-timeout"
    assert counted(recorded, "tcp.srcport == 41000 && tcp.options.timestamp.tsval") >= 2


def behind_one_address(router: networks.Network) -> None:
    """Have a router put its own address in place of its clients'."""
    router.forwards()
    table = "table ip nat {\n chain lab {\n type nat hook postrouting priority 100\n masquerade\n }\n}\n"
    command = [*map(str, router.inside), tool("nft"), "-f", "-"]
    subprocess.run(command, input=table, capture_output=True, text=True, timeout=60, check=True)


def stamps(recorded: Recorded) -> list[tuple[int, int]]:
    """Port and TSval of each SYN in the capture, as tshark reads them, once where two devices saw it."""
    command = [tool("tshark"), "-r", recorded.case.capture, "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0"]
    command += ["-T", "fields", "-e", "tcp.srcport", "-e", "tcp.options.timestamp.tsval"]
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    rows = dict.fromkeys(tuple(map(int, line.split())) for line in done.stdout.splitlines())
    return [(port, value) for port, value in rows]


def lags(value: int, other: int) -> bool:
    """RFC 7323 section 5.2: a comparison modulo 2**32."""
    return 0 < (other - value) % (1 << 32) < 1 << 31


def test_a_host_behind_the_same_nat_whose_clock_lags(tmp_path: Path) -> None:
    """What an old server would drop, a packet filter drops here; the clocks are the kernel's own.

    One host has a single clock for all connections (net.ipv4.tcp_timestamps=2). The other one's offsets are
    random: of its connections those are taken that lag. With the same ports they will do so again.
    """
    with contextlib.ExitStack() as stack:
        one, two, router, there = (stack.enter_context(networks.network()) for _ in range(4))
        _, gate = networks.join(one, router, 0)
        _, other_gate = networks.join(two, router, 1, names=("east", "middle"))
        _, host = networks.join(router, there, 2, names=("far", "west"))
        one.ip(f"route add default via {gate}")
        two.ip(f"route add default via {other_gate}")
        own = {42000 + number: f"10.79.1.{10 + number}" for number in range(_DRAWN)}
        two.ip(*(f"addr add {address}/24 dev east" for address in own.values()))
        behind_one_address(router)
        filtered(there, "input", "tcp sport 42000-42999 drop")
        server = stack.enter_context(
            wires.nginx(tmp_path / "nginx", SERVER, hosts=[host], listen=there.listening)
        )
        inside = {network: shlex.join(map(str, network.inside)) for network in (one, two)}

        def asks(port: int, seconds: float) -> str:
            where = ("--interface", own[port], "--local-port", port, "--connect-timeout", seconds)
            return f"{inside[two]} {curl(server, host, '/object', *where)}"

        def runs(name: str, script: str) -> Recorded:
            (tmp_path / name).mkdir()
            return record_all(tmp_path / name, "sh", "-c", script, inside=there.inside)

        quick = f"{inside[one]} {curl(server, host, '/object')}"
        settings = {"tcp_timestamps": 2, "ip_local_port_range": "50000 60999"}
        set_all = "; ".join(f"echo {value} > /proc/sys/net/ipv4/{name}" for name, value in settings.items())
        prepared = f"{inside[one]} sh -c {shlex.quote(set_all)}"
        probes = " & ".join(asks(port, 0.5) for port in own)
        clocks = dict(stamps(runs("clocks", f"{prepared}; {quick}; {probes}; wait")))
        (steady,) = (value for port, value in clocks.items() if port not in own)
        slow = [port for port in own if lags(clocks[port], steady)][:2]
        assert len(slow) == 2  # of so many offsets all but one would lead once in a hundred million times
        lost = [asks(port, 2) for port in slow]
        told = runs("told", "; ".join([quick, quick, quick, lost[0], quick, lost[1], quick]))
    (finding,) = told.report["findings"]
    assert (finding["code"], finding["fault"], finding["certainty"]) == ("syn-paws-drop", "server", "likely")
    struck = [c["client"] for c in told.report["connections"] if c["id"] in finding["connections"]]
    assert [int(client.rpartition(":")[2]) for client in struck] == slow
    sent = stamps(told)
    highest = [max(v for port, v in sent[: n + 1] if port not in own) for n in range(len(sent))]
    assert all(lags(value, highest[n]) is (port in slow) for n, (port, value) in enumerate(sent))
