"""``plainwire analyze``: what it says and how it ends, for good input and bad."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from typing import IO, TYPE_CHECKING

import pytest

from tests.builders.captures import enhanced, interface, pcap, section, statistics
from tests.builders.packets import ACK, CLIENT, FIN, SERVER, SYN, packet
from tests.cli import plain_capture
from tests.cli.plain_capture import GET, OK
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

CLEAN, FINDINGS, UNREADABLE, BLIND = 0, 1, 2, 3
CLIENT_HELLO = bytes.fromhex("160301002a01000026 0303") + b"\x11" * 32 + bytes.fromhex("00 0002 1301 0100")


def analyzed(*arguments: object, data: bytes | None = None) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    command = [sys.executable, "-m", "plainwire", "analyze", *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def conversation(
    ask: bytes = GET, answer: bytes = OK, port: int = 40000, *, opened: bool = True
) -> list[bytes]:
    """One exchange on a connection that both sides close in order."""
    client, server = (CLIENT[0], port), (SERVER[0], 80)
    asked, answered = 1 + len(ask), 1 + len(answer)
    handshake = [
        packet(client, server, 0, 0, SYN),
        packet(server, client, 0, 1, SYN | ACK),
        packet(client, server, 1, 1),
    ]
    return (handshake if opened else []) + [
        packet(client, server, 1, 1, ACK, ask),
        packet(server, client, 1, asked, ACK, answer),
        packet(client, server, asked, answered, FIN | ACK),
        packet(server, client, answered, asked + 1, FIN | ACK),
        packet(client, server, asked + 1, answered + 1),
    ]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.pcap"
    path.write_bytes(pcap(conversation()))
    return path


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    return plain_capture.write(tmp_path / "failing.pcap")


# --- how it ends ----------------------------------------------------------------------------------------


def test_nothing_found_is_0(good: Path) -> None:
    status, said, errors = analyzed(good)
    assert (status, errors) == (CLEAN, "")
    assert said


def test_findings_are_1(failing: Path) -> None:
    status, said, _ = analyzed(failing)
    assert status == FINDINGS
    assert "reset-mid-request" in said


def test_quiet_says_it_by_the_exit_status_alone(good: Path, failing: Path) -> None:
    assert analyzed("-q", good) == (CLEAN, "", "")
    assert analyzed("-q", failing) == (FINDINGS, "", "")


@pytest.mark.parametrize(
    "capture",
    [
        pytest.param(pcap([]), id="no packet"),
        pytest.param(pcap(conversation()[:3]), id="no request"),
        pytest.param(pcap(conversation(opened=False)), id="begun in mid-connection"),
        pytest.param(pcap(conversation(CLIENT_HELLO, b"\x17\x03\x03\x00\x05abcde")), id="not decrypted"),
        pytest.param(pcap(conversation()[:4]), id="ended before the answer"),
        pytest.param(
            section()
            + interface()
            + b"".join(enhanced(p, n) for n, p in enumerate(conversation()))
            + statistics(9),
            id="packets dropped",
        ),
    ],
)
def test_nothing_found_where_too_little_was_seen_is_3(tmp_path: Path, capture: bytes) -> None:
    path = tmp_path / "blind.pcap"
    path.write_bytes(capture)
    status, said, errors = analyzed(path)
    assert (status, errors) == (BLIND, "")
    assert said


# --- bad input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Dear all,\nthe upload failed again.\n", "not a capture file (pcap or pcapng)"),
        (b"", "empty file"),
        (pcap([])[:20], "cut off inside the file header"),
        (section()[:10], "cut off or damaged in the file header"),
    ],
)
def test_a_file_that_is_no_capture_is_one_line_and_2(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content)
    assert analyzed(path) == (UNREADABLE, "", f"plainwire: {path}: {said}\n")


def test_a_missing_file_and_a_folder_are_one_line_and_2(tmp_path: Path, good: Path) -> None:
    missing = tmp_path / "missing.pcap"
    assert analyzed(missing) == (UNREADABLE, "", f"plainwire: {missing}: No such file or directory\n")
    assert analyzed(good, missing) == (UNREADABLE, "", f"plainwire: {missing}: No such file or directory\n")
    empty = f"plainwire: {tmp_path}: no case, there is no capture.pcapng in it\n"
    assert analyzed(tmp_path) == (UNREADABLE, "", empty)
    status, said, errors = analyzed(tmp_path, good)
    assert (status, said) == (UNREADABLE, "")
    assert errors.startswith("plainwire: folders of cases cannot be read together with capture files")
    assert errors.count("\n") == 1
    keys = tmp_path / "missing.keys"
    assert analyzed(good, "-k", keys) == (UNREADABLE, "", f"plainwire: {keys}: No such file or directory\n")


def test_a_file_cut_off_is_read_to_the_cut_and_that_is_said(failing: Path) -> None:
    whole = failing.read_bytes()
    failing.write_bytes(whole + whole[24:40])  # the header of one more packet
    status, said, _ = analyzed(failing)
    assert status == FINDINGS
    assert "reset-mid-request" in said
    assert "cut off in packet 8" in said


def test_junk_lines_in_a_key_log_are_counted_and_not_shown(tmp_path: Path, good: Path) -> None:
    keys = tmp_path / "keys.log"
    keys.write_bytes(
        b"password=hunter2\n\xff\xfe\x00\nCLIENT_RANDOM 12 34\n" + b"A" * 100_000 + b"\n# fine\n\n"
    )
    status, said, errors = analyzed(good, "-k", keys, "--json")
    assert status == CLEAN
    assert json.loads(said)["coverage"]["notes"] == ["4 lines are not in the format of a key log"]
    assert "hunter2" not in said + errors


# --- what it reads and writes ---------------------------------------------------------------------------


def test_the_json_report_has_the_documented_keys(failing: Path) -> None:
    _, said, _ = analyzed(failing, "--json")
    report = json.loads(said)
    assert report["schema"] == 1
    assert set(report) >= {"coverage", "connections", "exchanges", "servers", "findings"}
    assert report["coverage"]["packets"] == 7
    (connection,) = report["connections"]
    assert (connection["client"], connection["server"]) == ("192.0.2.7:40000", "203.0.113.7:80")
    assert (connection["close"], connection["closed_by"]) == ("rst", "server")
    assert connection["round_trip"] == pytest.approx(0.04)
    assert [(e["request"]["method"], e["outcome"]) for e in report["exchanges"]] == [
        ("GET", "complete"),
        ("POST", "unanswered"),
    ]
    assert [(e["request"]["packet"], e["request"]["last_packet"]) for e in report["exchanges"]] == [
        (4, 4),
        (6, 6),
    ]
    assert [f["code"] for f in report["findings"]] == ["reset-mid-request"]


def test_several_files_are_one_capture_in_the_order_of_time(tmp_path: Path) -> None:
    packets = conversation()
    early, late = tmp_path / "z-early.pcapng", tmp_path / "a-late.pcapng"
    for path, part, start in ((early, packets[:4], 1_000_000), (late, packets[4:], 2_000_000)):
        blocks = b"".join(enhanced(data, start + number) for number, data in enumerate(part))
        path.write_bytes(section() + interface() + blocks)
    for arguments in ([late, early], [late, "-r", early]):
        status, said, _ = analyzed(*arguments, "--json")
        report = json.loads(said)
        assert status == CLEAN
        assert [e["outcome"] for e in report["exchanges"]] == ["complete"]
        assert report["exchanges"][0]["response"]["packet"] == 5


def test_standard_input_is_read(failing: Path) -> None:
    status, said, _ = analyzed("-", "--json", data=failing.read_bytes())
    assert status == FINDINGS
    assert said == analyzed(failing, "--json")[1]


def test_an_interrupt_ends_the_writer_and_what_it_wrote_is_still_read(failing: Path) -> None:
    data = failing.read_bytes()
    command = [sys.executable, "-m", "plainwire", "analyze", "--json", "-"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.write(data[:200])
    child.stdin.flush()
    _until_it_was_read(child.stdin)
    child.send_signal(signal.SIGINT)  # as the terminal does, to all of a pipeline
    said, _ = child.communicate(data[200:], timeout=60)
    assert child.returncode == FINDINGS
    assert said.decode() == analyzed(failing, "--json")[1]


def _until_it_was_read(pipe: IO[bytes]) -> None:
    """Wait until the other side has taken all that was written."""
    for _ in range(600):
        waiting = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
        if not any(waiting):
            return
        time.sleep(0.1)
    pytest.fail("standard input is not read")


def test_a_live_tcpdump_is_read_until_it_ends() -> None:
    needs("root")
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [tool("tcpdump"), "-i", "lo", "-U", "-w", "-", f"tcp port {port}"]
        dump = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        analyze = subprocess.Popen(
            [sys.executable, "-m", "plainwire", "analyze", "--json", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert dump.stderr is not None
            assert any(b"listening on" in line for line in dump.stderr)
            _one_exchange(server, page)
            _pass_on(dump, analyze, page)
            dump.send_signal(signal.SIGINT)
            said, _ = analyze.communicate(dump.communicate(timeout=60)[0], timeout=60)
        finally:
            for process in (dump, analyze):
                process.kill()
                process.communicate()
    (exchange,) = json.loads(said)["exchanges"]
    assert (exchange["request"]["target"], exchange["response"]["status"]) == ("/live", 200)


def _pass_on(dump: subprocess.Popen[bytes], analyze: subprocess.Popen[bytes], last: bytes) -> None:
    """Hand on what tcpdump writes, until these bytes are among it."""
    assert dump.stdout is not None
    assert analyze.stdin is not None
    seen = b""
    while last not in seen:
        ready, _, _ = select.select([dump.stdout], [], [], 60)
        assert ready, "tcpdump writes nothing"
        written = os.read(dump.stdout.fileno(), 65536)
        assert written, "tcpdump has ended"
        analyze.stdin.write(written)
        analyze.stdin.flush()
        seen += written


def _one_exchange(server: socket.socket, page: bytes) -> None:
    with socket.create_connection(server.getsockname()) as client:
        peer, _ = server.accept()
        with peer:
            client.sendall(b"GET /live HTTP/1.1\r\nHost: live.example\r\n\r\n")
            peer.recv(1000)
            peer.sendall(page)
            client.recv(1000)


def test_verbose_lists_the_exchanges_too(failing: Path) -> None:
    said = analyzed("-v", failing)[1]
    assert said.endswith(analyzed(failing)[1])
    assert "GET" in said.removesuffix(analyzed(failing)[1])


def test_nothing_of_a_hostile_request_reaches_the_terminal_as_control(tmp_path: Path) -> None:
    path = tmp_path / "hostile.pcap"
    ask = b"GET /\x1b]0;owned\x07\xc2\x9b31m HTTP/1.1\r\nHost: \x1b[2J\r\n\r\n"
    path.write_bytes(pcap(conversation(ask)))
    _, said, errors = analyzed("-v", path)
    assert all(c == "\n" or c.isprintable() for c in said + errors)


def test_several_processes_print_the_same_report(tmp_path: Path) -> None:
    capture = tmp_path / "several.pcap"
    capture.write_bytes(pcap([each for port in range(40000, 40005) for each in conversation(port=port)]))
    one = analyzed("--json", capture)
    assert len(json.loads(one[1])["connections"]) == 5
    assert analyzed("--json", "--processes", 3, capture) == one
