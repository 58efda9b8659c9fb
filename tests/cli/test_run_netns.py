"""``plainwire run --netns``: in a network that pasta makes, by a user without any right; and in a given one.

The user is one in a network with a way out: east is this host's, and west another host's, with the servers.
``/dev/net/tun`` is one that he may open, in a mount namespace of his.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from plainwire import pipeline
from plainwire.lab import scenarios, truth
from plainwire.lab.play import PlayFiles
from tests.end_to_end import wires
from tests.end_to_end.networks import Network, join, network
from tests.needs import needs, tool
from tests.users import USER, home, open_folder
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["home", "open_folder"]
HERE = Path(__file__).parents[2]
PLAINWIRE = (sys.executable, "-EP", "-m", "plainwire", "run", "--netns", "pasta")
PREPARE = """
set -e
mount -t tmpfs -o mode=755 none /dev/net
n=0
for path in $OPENED; do n=$((n + 1)); mkdir /dev/net/$n; mount --bind "$path" /dev/net/$n; done
for path in $CLOSED; do mount -t tmpfs -o mode=755 none "$path"; done
n=0
for path in $OPENED; do n=$((n + 1)); mkdir -p "$path"; mount --bind /dev/net/$n "$path"; done
[ -z "$TUN" ] || mknod -m 666 /dev/net/tun c $TUN
[ -z "$MODE" ] || chmod "$MODE" /dev/net/tun
exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --inh-caps=-all "$@"
"""
"""This Python and the project may lie in folders that are closed to others: they are opened to him alone."""


def _closed() -> dict[str, str]:
    """The outermost folders that others may not enter, and what is needed of what is in them."""
    needed = [path.resolve() for path in (Path(sys.base_prefix), Path(sys.prefix), HERE)]
    ways = {path: [up for up in reversed(path.parents) if not up.stat().st_mode & 0o001] for path in needed}
    opened = [str(path) for path, closed in ways.items() if closed]
    return {"OPENED": " ".join(opened), "CLOSED": " ".join({str(way[0]) for way in ways.values() if way})}


class User:
    """Somebody in a network of this host who has no rights."""

    def __init__(self, inside: Network, home: Path) -> None:
        self.inside, self.home = inside, home

    @property
    def becoming(self) -> list[str]:
        return [tool("unshare"), "--mount", "sh", "-c", PREPARE, "sh"]

    def command(self, words: Sequence[object]) -> list[str]:
        return [str(word) for word in (*self.inside.inside, *self.becoming, *words)]

    def environment(self, tun: str = "10 200", mode: str = "", **more: str) -> dict[str, str]:
        own = {"HOME": str(self.home), "USER_ID": str(USER), "TUN": tun, "MODE": mode}
        return {**os.environ, **_closed(), **own, **more}

    def run(self, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(words),
            env=self.environment(**environment),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    @property
    def pastas(self) -> list[int]:
        return self.running("pasta", "passt")

    def running(self, *names: str) -> list[int]:
        """The processes of such a name in the network from which plainwire came: pasta stays there."""
        found = []
        ours = Path(f"/proc/{self.inside.pid}/ns/net").stat().st_ino
        for each in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                named = each.name.isdecimal() and (each / "comm").read_text().startswith(names)
                if named and (each / "ns/net").stat().st_ino == ours:
                    found.append(int(each.name))
        return found


@pytest.fixture
def west() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture
def user(west: Network, home: Path) -> Iterator[User]:
    needs("root", "pasta", "setpriv")
    with network() as east:
        join(east, west, 7)
        east.ip("route add default via 10.79.7.2")
        user = User(east, home)
        yield user
        assert user.pastas == []


ANSWERING = "server { listen {0} ssl; location / { return 200 hello; } }"
WEST = "10.79.7.2"


def report_of(case: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((case / "report.json").read_text())
    return report


def test_whole_exchanges_are_had_in_pasta_s_network(west: Network, user: User, tmp_path: Path) -> None:
    case = user.home / "case"
    with wires.nginx(tmp_path / "nginx", ANSWERING, hosts=(WEST,), listen=west.listening) as server:
        asks = f"import ssl, urllib.request as r; c = ssl._create_unverified_context(); \
            print(r.urlopen('{server.url('/python', host=WEST)}', context=c).read().decode())"
        script = f'{tool("curl")} -sk {server.url("/curl", host=WEST)} && "$0" -c "$1"; id -u; exit 3'
        done = user.run(*PLAINWIRE, "-v", "-o", case, "--", "sh", "-c", script, sys.executable, asks)
        logged = server.logged()
    assert (done.returncode, done.stdout) == (3, f"hellohello\n{USER}\n"), done.stderr
    report = report_of(case)
    told = [(each["request"]["target"], each["outcome"]) for each in report["exchanges"]]
    assert (
        told
        == [("/curl", "complete"), ("/python", "complete")]
        == [(each.target, "complete") for each in logged]
    )
    assert report["coverage"]["evidence"] == "packets"
    assert report["coverage"]["undecrypted"] == report["coverage"]["mid_stream"] == []
    assert any("in a network that pasta made" in note for note in report["coverage"]["notes"])
    assert "captured with libpcap" in done.stderr
    alone = pipeline.analyze([case / "capture.pcapng"])
    assert [each.relayed for each in alone.connections] == [True, True]


PLAY = """
import subprocess, sys
from pathlib import Path
from msgspec.structs import replace
from plainwire.lab import play, scenarios
from plainwire.lab.route import Route

def as_the_user(*given):
    subprocess.run(["ip", "route", "add", "default", "via", play.SERVER_ADDRESS], check=True)
    return [*sys.argv[3:], *command(*given)]

play._command, command = as_the_user, play._command
scenario = scenarios.find(sys.argv[1])
scenario = replace(scenario, route=scenario.route or Route(delay=0.01))
play.play(scenario, play.PlayFiles(Path(sys.argv[2])), options=["--netns", "pasta"])
"""


@pytest.mark.parametrize("name", ["reset-mid-request", "keepalive-idle-race"])
def test_demo_s_scenarios_get_the_right_codes_and_nothing_is_proved(name: str, user: User) -> None:
    """Their server is in a network of its own, at some distance."""
    scenario, stage = scenarios.find(name), PlayFiles(user.home)
    done = subprocess.run(
        [sys.executable, "-c", PLAY, name, str(user.home), *user.becoming],
        env=user.environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert truth.score(scenario, stage).problems == [], done.stdout
    findings = report_of(stage.case.folder)["findings"]
    assert {each["code"] for each in findings} == set(scenario.expects)
    assert "proved" not in {each["certainty"] for each in findings}


def test_of_a_server_on_loopback_pasta_hides_a_reset(user: User) -> None:
    """It carries loopback from socket to socket: what the client gets is a FIN. That is said."""
    case, namespace = user.home / "case", user.inside
    with namespace.listening("127.0.0.1") as listening:
        server = threading.Thread(target=_reset_one, args=(listening,))
        server.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        done = user.run(*PLAINWIRE, "-o", case, "--", tool("curl"), "-s", url)
        server.join()
    assert done.returncode == 52, done.stderr  # curl's for an end without a response
    (finding,) = report_of(case)["findings"]
    assert (finding["code"], finding["certainty"]) == ("close-mid-request", "possible")
    assert "a reset arrives as a FIN" in finding["claim"] + json.dumps(finding["evidence"])


def _reset_one(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    connection.recv(1000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


NO_ROOT = {"tun": "10 200", "mode": "0600"}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (NO_ROOT, "cannot open (Permission denied, mode 0600): as root, chmod 0666 /dev/net/tun"),
        ({"tun": ""}, "there is none: as root, modprobe tun (containers: --device /dev/net/tun)"),
        ({"PATH": "/nowhere"}, "there is no pasta in PATH (Debian, Ubuntu, Fedora: the package passt)"),
        ({"tun": "1 3"}, "pasta made no network: Failed to open tun socket in namespace"),
    ],
)
def test_what_is_missing_is_said_in_one_line(environment: dict[str, str], words: str, user: User) -> None:
    """The last one is a device that can be opened, and is no tun."""
    path = environment.get("PATH")
    command = PLAINWIRE if path is None else (tool("env"), f"PATH={path}", *PLAINWIRE)
    more = {name: value for name, value in environment.items() if name != "PATH"}
    done = user.run(*command, "-o", user.home / "case", "--", "/bin/true", **more)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.stderr
    assert list(user.home.iterdir()) == []


HANGING = """#!/bin/sh
trap '' TERM
sleep 600 &
wait
"""
IMPATIENT = """
from plainwire.acquire import pasta
pasta._READY_WITHIN = 0.5
with pasta.network():
    pass
"""


def test_pasta_that_hangs_is_ended(user: User) -> None:
    """As older ones do, which do not hear SIGTERM: nothing of it is left."""
    program = user.home / "pasta"
    program.write_text(HANGING)
    program.chmod(0o755)
    path = f"PATH={user.home}:{os.environ['PATH']}"
    done = user.run(tool("env"), path, sys.executable, "-c", IMPATIENT)
    assert "UserError: pasta made no network: it was not ready in" in done.stderr
    wait_until(lambda: user.running("sleep") == [])


def test_root_does_without() -> None:
    needs("root")
    done = subprocess.run([*PLAINWIRE, "--", "true"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "root does without it" in done.stderr


def test_ctrl_c_ends_the_program_and_pasta(user: User) -> None:
    case, ready = user.home / "case", user.home / "ready"
    heeding = (tool("env"), "--default-signal=INT")  # who started the tests in the background ignores it
    script = f": >{ready}; exec sleep 600"
    command = user.command([*heeding, *PLAINWIRE, "-o", case, "--", "sh", "-c", script])
    with subprocess.Popen(
        command,
        env=user.environment(),
        cwd=user.home,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_until(lambda: ready.exists() or process.poll() is not None)
        assert len(user.pastas) == 1
        os.killpg(process.pid, signal.SIGINT)
        try:
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == -signal.SIGINT, said
    assert (case / "report.json").exists()


def test_program_keeps_its_network_where_plainwire_is_killed(
    west: Network, user: User, tmp_path: Path
) -> None:
    case, asked = user.home / "case", user.home / "asked"
    with wires.nginx(tmp_path / "nginx", ANSWERING, hosts=(WEST,), listen=west.listening) as server:
        url = server.url(host=WEST)
        script = f"kill -9 $PPID; sleep 1; {tool('curl')} -sk {url} >{asked}.new; mv {asked}.new {asked}"
        user.run(*PLAINWIRE, "-o", case, "--", "sh", "-c", script)
        wait_until(asked.exists)
    assert asked.read_text() == "hello"
    wait_until(lambda: user.pastas == [])


def test_network_that_is_there_already(west: Network, tmp_path: Path) -> None:
    """A file that is named pasta is one by its path."""
    needs("root")
    there = Path(f"/proc/{west.pid}/ns/net")
    (tmp_path / "pasta").symlink_to(there)
    with west.listening("127.0.0.1") as listening:
        port = listening.getsockname()[1]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
        words = [*PLAINWIRE[:-1], "./pasta", "-o", "case", "--", sys.executable, "-c", connect]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [each["server"] for each in report_of(tmp_path / "case")["connections"]] == [f"127.0.0.1:{port}"]


@pytest.mark.parametrize(
    ("words", "case"),
    [
        (("hunt", "-n", "1", "--fail-on", "exit", "-o", "made"), "run-0001"),
        (("record", "-o", "made"), "cases"),
    ],
)
def test_hunt_and_record_in_a_network(
    words: tuple[str, ...], case: str, west: Network, tmp_path: Path
) -> None:
    needs("root")
    with west.listening("127.0.0.1") as listening:
        port = listening.getsockname()[1]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port})); raise SystemExit(1)"
        network = f"/proc/{west.pid}/ns/net"
        command = [*PLAINWIRE[:-3], *words, "--netns", network, "--", sys.executable, "-c", connect]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "ConnectionRefused" not in done.stderr
    (report,) = (tmp_path / "made").glob(f"{case}*/**/report.json")
    told = report_of(report.parent)
    assert [each["server"] for each in told["connections"]] == [f"127.0.0.1:{port}"]


def test_network_of_a_process_that_runs_is_its_own(tmp_path: Path) -> None:
    words = ["record", "-o", "made", "--pid", str(os.getpid()), "--netns", "none"]
    command = [*PLAINWIRE[:-3], *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "recorded in their own network" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("named", "words"),
    [("none", "/run/netns/none: No such file or directory"), (__file__, "it is no network namespace")],
)
def test_network_that_is_none(named: str, words: str, tmp_path: Path) -> None:
    needs("root")
    command = [*PLAINWIRE[:-1], named, "--", "true"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
