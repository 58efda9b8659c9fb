"""Secrets on the command line that are no key log: ``--private-key`` and ``--psk``."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from plainwire.model import Side
from tests.builders.captures import pcap
from tests.builders.packets import ACK, CLIENT, SERVER, SYN, packet
from tests.cli.plain_capture import GET, OK
from tests.tls.live import Live, certificate, contexts

if TYPE_CHECKING:
    from pathlib import Path

UNREADABLE, BLIND = 2, 3


def plainwire(*arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    command = [sys.executable, "-m", "plainwire", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def written(live: Live, path: Path) -> Path:
    """One exchange as a capture."""
    live.say(Side.CLIENT, GET)
    live.say(Side.SERVER, OK)
    ends, sent = (CLIENT, SERVER), [1, 1]
    packets = [packet(CLIENT, SERVER, 0, 0, SYN), packet(SERVER, CLIENT, 0, 1, SYN | ACK)]
    for side, data in live.wire:
        packets.append(packet(ends[side], ends[side.peer], sent[side], sent[side.peer], ACK, data))
        sent[side] += len(data)
    path.write_bytes(pcap(packets))
    return path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """One exchange under keys that were exchanged by RSA."""
    live = Live(*contexts(ssl.TLSVersion.TLSv1_2, ciphers="AES128-GCM-SHA256", key="rsa"))
    return written(live, tmp_path / "rsa.pcap")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    path.write_bytes(certificate("rsa"))
    return path


def test_a_server_s_private_key_is_enough(capture: Path, key: Path) -> None:
    status, output, _ = plainwire("analyze", capture, "--private-key", key, "--json")
    assert [exchange["request"]["method"] for exchange in json.loads(output)["exchanges"]] == ["GET"]
    assert status != BLIND
    assert "GET" in plainwire("show", capture, "--private-key", key)[1]
    assert plainwire("analyze", capture)[0] == BLIND


def test_a_case_takes_further_secrets(capture: Path, key: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir(0o700)
    capture.rename(case / "capture.pcapng")
    status, output, _ = plainwire("analyze", case, "--private-key", key, "--json")
    assert [exchange["request"]["method"] for exchange in json.loads(output)["exchanges"]] == ["GET"]
    assert status != BLIND
    status, _, errors = plainwire("analyze", case, case, "--private-key", key)
    assert (status, "for one case" in errors) == (UNREADABLE, True)


def test_a_key_that_does_not_fit_is_named(capture: Path, tmp_path: Path) -> None:
    other = rsa.generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / "other.pem").write_bytes(other)
    status, output, _ = plainwire("analyze", capture, "--private-key", tmp_path / "other.pem")
    assert status == BLIND
    assert "no private key fits the servers that exchanged keys by RSA" in output


@pytest.mark.parametrize("command", ["analyze", "show"])
def test_a_file_that_is_no_key_is_named(command: str, capture: Path, tmp_path: Path) -> None:
    status, output, error = plainwire(command, capture, "--private-key", capture)
    assert (status, output) == (UNREADABLE, "")
    assert error.endswith("rsa.pcap: no private key (PEM, DER or PKCS #12 without a password)\n")
    assert error.count("\n") == 1
    status, _, error = plainwire(command, capture, "--private-key", tmp_path / "absent.pem")
    assert (status, "absent.pem: No such file" in error) == (UNREADABLE, True)


@pytest.mark.parametrize("command", ["analyze", "show"])
def test_a_pre_shared_key_that_is_not_hex_is_not_repeated(command: str, capture: Path) -> None:
    status, output, error = plainwire(command, capture, "--psk", "00ff", "--psk", "passw0rd")
    assert (status, output) == (UNREADABLE, "")
    assert "pre-shared key 2 is not an even number of hex digits" in error
    assert "passw0rd" not in error


@pytest.mark.parametrize("command", ["analyze", "show"])
def test_a_pre_shared_key_is_read_from_a_file(command: str, capture: Path, tmp_path: Path) -> None:
    path = tmp_path / "psk"
    path.write_text("00 ff\n")
    status, _, error = plainwire(command, capture, "--psk", f"@{path}")
    assert (status != UNREADABLE, "psk" in error.replace(str(tmp_path), "")) == (True, False)
    path.write_text("passw0rd")
    status, _, error = plainwire(command, capture, "--psk", f"@{path}")
    assert (status, "passw0rd" in error) == (UNREADABLE, False)
    status, _, error = plainwire(command, capture, "--psk", f"@{tmp_path / 'absent'}")
    assert (status, "No such file" in error) == (UNREADABLE, True)


def test_a_key_log_of_another_run_is_told(capture: Path, tmp_path: Path) -> None:
    log = tmp_path / "node.keys"
    log.write_text("".join(f"CLIENT_RANDOM {n:064x} {'cd' * 48}\n" for n in (1, 2, 3, 3)))
    _, said, _ = plainwire("analyze", capture, "--keys", log)
    told = f"{log} has secrets for 3 connections, none of them in this capture"
    assert told.replace(" ", "") in "".join(said.split())


def test_a_key_log_that_fits_is_not_told(tmp_path: Path) -> None:
    live = Live(*contexts(ssl.TLSVersion.TLSv1_2))
    log, path = tmp_path / "own.keys", written(live, tmp_path / "capture.pcap")
    log.write_bytes(live.key_log)
    _, said, _ = plainwire("analyze", path, "--keys", log)
    assert "has secrets for" not in said
    assert "1 request on 1 connection" in said
