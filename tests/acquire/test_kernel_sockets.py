"""Which sockets a program had, as the kernel tells it: of programs that nothing of ours is in."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import kernel_sockets
from tests.needs import needs, tool, without

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
PATIENCE = 60.0
TALKS = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
/* One connection after the other to the ports that are named; tells its own ports. */
int main(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(words[i]))}, own = {0};
        socklen_t size = sizeof own;
        char byte;
        const int connection = socket(AF_INET, SOCK_STREAM, 0);
        inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
        const int failed = connect(connection, (struct sockaddr *)&to, sizeof to);
        getsockname(connection, (struct sockaddr *)&own, &size);
        printf("%d\n", ntohs(own.sin_port));
        while (!failed && write(connection, "x", 1) == 1 && read(connection, &byte, 1) > 0)
            ;
        close(connection);
    }
    return 0;
}
"""


@pytest.fixture
def watch() -> Iterator[kernel_sockets.KernelWitness]:
    needs("root")
    witness = kernel_sockets.watch()
    if witness is None:
        without("tracepoints, as root", part_of_the_judgement=False)
    yield witness
    witness.stop()


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """A static program."""
    source = tmp_path / "talks.c"
    source.write_text(TALKS)
    subprocess.run([tool("gcc"), "-static", "-o", tmp_path / "talks", source], check=True, timeout=120)
    return tmp_path / "talks"


@pytest.fixture
def server() -> Iterator[int]:
    """Closes each connection; its port."""

    def serve(listener: socket.socket) -> None:
        try:
            while True:
                listener.accept()[0].close()
        except OSError:
            return

    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(PATIENCE)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


@pytest.fixture
def strangers(server: int) -> Iterator[None]:
    """Other connections to the same server, by a process that began before: not by a thread of ours, whose
    sockets the program would have for a moment between fork and exec, and might be the one to close.
    """
    script = (
        "import socket, sys, time\n"
        "while True:\n"
        "    socket.create_connection((sys.argv[1], int(sys.argv[2]))).close()\n"
        "    print(flush=True)\n"
        "    time.sleep(0.001)\n"
    )
    command = [sys.executable, "-c", script, HOST, str(server)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        drained = threading.Thread(target=process.stdout.read)
        drained.start()
        yield
        process.kill()
        drained.join(PATIENCE)


@pytest.mark.usefixtures("strangers")
def test_sockets_of_a_static_program_and_of_no_other(
    talks: Path, server: int, watch: kernel_sockets.KernelWitness
) -> None:
    with socket.socket() as free:
        free.bind((HOST, 0))
        nobody = free.getsockname()[1]
    began = time.time_ns()
    words = ["sh", "-c", f"{talks} {server} {nobody} {server}; {talks} {server}"]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
    ended = time.time_ns()
    found = watch.sockets()
    assert found is not None
    ports = list(map(int, done.stdout.split()))
    peers = [server, nobody, server, server]
    expected = {(port, f"{HOST}:{peer}") for port, peer in zip(ports, peers, strict=True)}
    assert {(int(s.local.rsplit(":", 1)[1]), s.peer) for s in found} == expected
    assert {s.command for s in found} == {"talks"}
    assert len({s.pid for s in found}) == 2
    assert all(began - 10**9 <= s.time_ns <= ended + 10**9 for s in found)


def test_nothing_is_left_of_it(watch: kernel_sockets.KernelWitness) -> None:
    assert watch.sockets() == []
    assert watch.sockets() is None
    again = kernel_sockets.watch()
    assert again is not None
    again.stop()


def test_what_a_killed_run_left_is_ended_by_the_next(watch: kernel_sockets.KernelWitness) -> None:
    pid = os.fork()
    if pid == 0:
        left = kernel_sockets.watch()
        os._exit(left is None)
    assert os.waitpid(pid, 0)[1] == 0
    assert owners(watch) >= {pid, os.getpid()}
    another = kernel_sockets.watch()
    assert another is not None
    assert pid not in owners(watch)
    another.stop()
    assert os.getpid() in owners(watch)


def owners(watch: kernel_sockets.KernelWitness) -> set[int]:
    """Processes that have an instance."""
    names = [entry.name for entry in watch._instance.parent.iterdir()]
    return {int(name.split("-")[1]) for name in names if name.startswith("plainwire-")}


def line(event: str, *, flags: str = ".....", at: float = 10.0, tid: int = 7, **fields: object) -> str:
    """As the kernel writes it."""
    known = {"sport": 0, "dport": 443, "saddr": "10.0.0.1", "daddr": "10.0.0.2"}
    known |= {"saddrv6": "::ffff:10.0.0.1", "daddrv6": "::ffff:10.0.0.2"}
    rest = " ".join(f"{name}={value}" for name, value in (known | fields).items())
    return f"  client-{tid}   (   5) [001] {flags} {at:12.6f}: {event}: family=AF_INET {rest}"


def state(old: str, new: str, **more: object) -> str:
    states = {"oldstate": f"TCP_{old}", "newstate": f"TCP_{new}"}
    return line("inet_sock_set_state", protocol="IPPROTO_TCP", **states, **more)  # type: ignore[arg-type]


def ends(*lines: str) -> list[tuple[float, str, str]]:
    return [(s.time_ns / 10**9, s.local, s.peer) for s in kernel_sockets.sockets_in(lines, 0)]


SYN_SENT = state("CLOSE", "SYN_SENT", at=10.0)


def test_a_connection_begins_with_its_attempt() -> None:
    closed = state("ESTABLISHED", "FIN_WAIT1", sport=5001, at=20.0)
    late = state("FIN_WAIT2", "CLOSE", sport=5001, at=21.0)
    assert ends(SYN_SENT, closed, late) == [(10.0, "10.0.0.1:5001", "10.0.0.2:443")]
    assert [s.pid for s in kernel_sockets.sockets_in([SYN_SENT, closed], 0)] == [5]


def test_one_that_was_reset_is_told_of_when_it_is_closed() -> None:
    destroyed = line("tcp_destroy_sock", flags="b..1.", sport=5001, at=20.0)
    assert ends(SYN_SENT, destroyed) == [(10.0, "10.0.0.1:5001", "10.0.0.2:443")]


def test_a_connect_that_failed_has_no_addresses_any_more() -> None:
    forgotten = {"saddr": "0.0.0.0", "daddr": "0.0.0.0", "dport": 0}
    destroyed = line("tcp_destroy_sock", sport=5001, at=10.5, **forgotten)  # type: ignore[arg-type]
    assert ends(SYN_SENT, destroyed) == [(10.0, "0.0.0.0:5001", "10.0.0.2:443")]
    assert ends(destroyed) == []


@pytest.mark.parametrize("flags", ["..s2.", "d.h1.", "..H..", "..Z.."])
def test_what_is_done_in_an_interrupt_is_not_the_tasks(flags: str) -> None:
    assert ends(state("SYN_RECV", "ESTABLISHED", sport=443, dport=5001, flags=flags)) == []


def test_a_listening_socket_is_no_connection() -> None:
    assert ends(state("CLOSE", "LISTEN", sport=443, dport=0)) == []


def test_ports_that_the_program_chose_may_come_again() -> None:
    first = [state("CLOSE", "SYN_SENT", sport=5001, at=at) for at in (10.0, 30.0)]
    between = state("ESTABLISHED", "FIN_WAIT1", sport=5001, at=20.0)
    assert [at for at, *_ in ends(first[0], between, first[1])] == [10.0, 30.0]


def test_addresses_of_ipv6() -> None:
    six = state("SYN_SENT", "ESTABLISHED", sport=5001, saddrv6="::1", daddrv6="2001:db8::1")
    mapped = state("SYN_SENT", "ESTABLISHED", sport=5002)
    told = ends(*(each.replace("AF_INET ", "AF_INET6 ") for each in (six, mapped)))
    assert told == [
        (10.0, "[::1]:5001", "[2001:db8::1]:443"),
        (10.0, "10.0.0.1:5002", "10.0.0.2:443"),
    ]


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "# comment",
        "CPU:1 [LOST 7 EVENTS]",
        SYN_SENT[:60],
        SYN_SENT.replace("443", "x"),
        "a-1 [0] . 1: b: c",
    ],
)
def test_other_lines_are_passed_over(junk: str) -> None:
    closed = state("ESTABLISHED", "FIN_WAIT1", sport=5001, at=20.0)
    assert len(ends(junk, closed, junk)) == 1


@pytest.mark.parametrize("address", [HOST, "::1"])
def test_open_sockets_are_their_users(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        with socket.create_connection(listener.getsockname()[:2]) as connection:
            ends = connection.getsockname(), connection.getpeername()
            local, peer = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port, *_ in ends)
            assert (local, peer) in kernel_sockets.open_sockets(os.geteuid())
            assert (local, peer) not in kernel_sockets.open_sockets(os.geteuid() + 4711)
        assert kernel_sockets.open_sockets(4711, Path("/nowhere")) == set()


RESETS = (
    (
        "  <idle>-0  [001] ..s1.  100.000001: tcp_send_reset: skbaddr=0 skaddr=0 src=127.0.0.1:443 "
        "dest=127.0.0.1:50000 state=UNKNOWN reason=NO_SOCKET"
    ),
    (
        "  curl-7    [000] .....  100.250000: tcp_send_reset: skbaddr=0 skaddr=1 src=[::1]:50001 "
        "dest=[::1]:443 state=TCP_CLOSE reason=TCP_ABORT_ON_CLOSE"
    ),
    (
        "  curl-7    [000] .....  100.500000: tcp_send_reset: skbaddr=0 skaddr=1 src=[::ffff:127.0.0.1]:1 "
        "dest=[::ffff:127.0.0.1]:2 state=TCP_CLOSE"
    ),
    "  curl-7    [000] .....  100.750000: tcp_send_reset: skbaddr=0 src=broken state=TCP_CLOSE",
    "  curl-7    [000] .....  101.000000: tcp_destroy_sock: family=AF_INET sport=1 dport=2",
)
"""As Linux 6.18 writes them; the third as Linux 4.16, which gives no reason."""


def test_resets_are_told_of_with_their_reason_where_there_is_one() -> None:
    found = kernel_sockets.resets_in(RESETS, 5_000_000_000)
    assert [(r.time_ns, r.local, r.peer, r.state, r.reason) for r in found] == [
        (105_000_001_000, "127.0.0.1:443", "127.0.0.1:50000", "UNKNOWN", "NO_SOCKET"),
        (105_250_000_000, "[::1]:50001", "[::1]:443", "TCP_CLOSE", "TCP_ABORT_ON_CLOSE"),
        (105_500_000_000, "127.0.0.1:1", "127.0.0.1:2", "TCP_CLOSE", ""),
    ]


def test_the_kernel_tells_why_it_refused_a_connection(watch: kernel_sockets.KernelWitness) -> None:
    with socket.socket() as nobody, socket.socket() as client:
        nobody.bind((HOST, 0))
        with pytest.raises(ConnectionRefusedError):
            client.connect(nobody.getsockname())
        address = f"{HOST}:{nobody.getsockname()[1]}"
    assert [reset.local for reset in watch.resets() if reset.local == address] == [address]
    watch.sockets()
    assert watch.resets() == []


def test_small_datagrams_of_a_child_and_of_nobody_else(watch: kernel_sockets.KernelWitness) -> None:
    script = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x' * {}, ('127.0.0.1', 53))"
    began = time.time_ns()
    for size in (33, 1000):
        subprocess.run([sys.executable, "-c", script.format(size)], check=True, timeout=PATIENCE)
    if not (Path("/proc/self/fd", str(watch._tracing)) / "events/sock/sock_send_length").exists():
        without("a kernel that tells of datagrams (6.3)", part_of_the_judgement=False)
    if kernel_sockets.others_ask():
        assert watch.sent() is None
        return
    (sent,) = watch.sent() or []
    assert sent[1] == 33
    assert began <= sent[0] <= time.time_ns()


@pytest.mark.parametrize(
    ("hosts", "others"),
    [
        ("files dns", False),
        ("files [NOTFOUND=continue] dns myhostname  # mdns", False),
        ("files mdns4_minimal [NOTFOUND=return] dns", True),
        ("resolve [!UNAVAIL=return] files dns", True),
    ],
)
def test_whether_others_ask_for_names(tmp_path: Path, hosts: str, *, others: bool) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "nsswitch.conf").write_text(f"passwd: files systemd\nhosts: {hosts}\n")
    assert kernel_sockets.others_ask(tmp_path) is others


def test_a_daemon_for_names_asks_for_others(tmp_path: Path) -> None:
    assert not kernel_sockets.others_ask(tmp_path)
    (tmp_path / "run" / "nscd").mkdir(parents=True)
    (tmp_path / "run" / "nscd" / "socket").touch()
    assert kernel_sockets.others_ask(tmp_path)
