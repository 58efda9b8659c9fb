"""The cipher suites that GnuTLS has and OpenSSL has no more, spoken by it and read from the wire."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from plainwire.lab import namespaces
from plainwire.tls import suites
from tests.needs import needs, tool
from tests.tls.live import certificate, read
from tests.tls.relay import Relay, relay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plainwire.model import Side

ALWAYS = "+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-X509:%COMPAT"
EVERYTHING = (
    "NORMAL:+ARCFOUR-128:+3DES-CBC:+CAMELLIA-128-GCM:+CAMELLIA-256-GCM:+CAMELLIA-128-CBC:+AES-128-CCM"
    ":+AES-128-CCM-8:+AES-256-CCM-8:+NULL:+MD5:+SHA1:+SHA256:+SHA384:+PSK:+DHE-PSK:+RSA-PSK:+ECDHE-PSK"
    ":+VERS-TLS1.0:+VERS-TLS1.1:+SIGN-ALL:%COMPAT"
)
PSK = "00112233445566778899aabbccddeeff"
LINES = [b"GET /one HTTP/1.1\n", bytes(range(97, 123)) * 77 + b"\n", b"three\n"]
SAID = b"".join(LINES)
PORT = 4433  # in a network of the test's own
_PATIENCE = 60
# gnutls-cli 3.7 dies in handshakes of DHE_PSK and ECDHE_PSK
_SUITE = re.compile(
    r"TLS_(?P<exchange>(?:EC)?DHE_(?:RSA|ECDSA)|RSA_PSK|RSA|PSK)_(?P<cipher>\w+)_(?P<mac>SHA\d+|MD5)"
)
_HARD = re.compile(r"3DES|ARCFOUR|CAMELLIA_\d+_GCM|NULL")


def offered(pattern: re.Pattern[str], oldest: str) -> dict[str, int]:
    """Names of GnuTLS's own and numbers of its suites that are there from a version on."""
    listed = subprocess.run(
        [tool("gnutls-cli"), "--list"], capture_output=True, text=True, check=True, timeout=_PATIENCE
    ).stdout
    rows = re.findall(r"^(TLS_\S+)\s+0x(..), 0x(..)\s+(\S+)$", listed, re.MULTILINE)
    return {
        name: int(high + low, 16)
        for name, high, low, since in rows
        if since == oldest and pattern.search(name) and _SUITE.fullmatch(name)
    }


def priority(suite: str, version: str) -> str:
    """GnuTLS's way to ask for just one suite."""
    match = _SUITE.fullmatch(suite)
    assert match is not None
    cipher = match["cipher"].replace("_", "-").replace("3DES-EDE", "3DES")
    mac = "AEAD" if "GCM" in cipher else match["mac"]
    return f"NONE:+VERS-{version}:+{match['exchange'].replace('_', '-')}:+{cipher}:+{mac}:{ALWAYS}"


def talk(between: Relay, wanted: str) -> list[tuple[Side, bytes]]:
    """What the wire carries when a client says ``LINES`` to a server that sends them back."""
    between.begin()
    command = [tool("gnutls-cli"), "--insecure", "--logfile=/dev/null", "--priority", wanted]
    command += ["--pskusername", "user", "--pskkey", PSK, "-p", str(between.port), "127.0.0.1"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            for line in LINES:
                client.stdin.write(line)
                client.stdin.flush()
                client.stdout.readline()
        client.communicate(timeout=_PATIENCE)
    return between.wait()


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Relay]:
    """It listens on all addresses and cannot be told otherwise: in a network of its own there is but one."""
    (folder / "rsa.pem").write_bytes(certificate("rsa"))
    (folder / "ec.pem").write_bytes(certificate("ec"))
    (folder / "psk").write_text(f"user:{PSK}\n")
    command = [tool("gnutls-serv"), "--echo", "-p", str(PORT), "--priority", EVERYTHING]
    command += ["--pskpasswd", str(folder / "psk")]
    for kind in ("rsa", "ec"):
        command += [
            "--x509certfile",
            str(folder / f"{kind}.pem"),
            "--x509keyfile",
            str(folder / f"{kind}.pem"),
        ]
    environment = {**os.environ, "SSLKEYLOGFILE": str(folder / "keys.log")}
    output = folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment
        )
    try:
        for _ in range(_PATIENCE * 50):
            if b"listening on IPv4" in output.read_bytes():
                break
            time.sleep(0.02)
        with relay(PORT) as between:
            yield between
    finally:
        process.kill()
        process.wait(_PATIENCE)


def wrong(folder: Path, between: Relay, suite: str, number: int, version: str) -> str:
    """What is not as it was said; empty if all is."""
    wire = talk(between, priority(suite, version))
    reading = read(wire, (folder / "keys.log").read_bytes() if (folder / "keys.log").exists() else b"")
    info = reading.session.info
    if (info.cipher_suite, info.version) != (suites.name(number), version.replace("TLS", "TLS ")):
        return f"{info.version} {info.cipher_suite}"
    if reading.texts != (SAID, SAID):
        return f"{[len(text) for text in reading.texts]} bytes, {reading.reasons}"
    return ""


def read_each(folder: Path, version: str, chosen: dict[str, int]) -> dict[str, str]:
    namespaces.enter_new(user=False)  # of this thread alone
    with server(folder) as between:
        told = {name: wrong(folder, between, name, number, version) for name, number in chosen.items()}
    return {name: text for name, text in told.items() if text}


@pytest.mark.parametrize(
    ("version", "since"), [("TLS1.0", "TLS1.0"), ("TLS1.1", "TLS1.0"), ("TLS1.2", "TLS1.2")]
)
def test_each_suite_that_openssl_has_no_more(version: str, since: str, tmp_path: Path) -> None:
    needs("root", "gnutls-serv", "gnutls-cli")
    chosen = offered(_HARD, since)
    assert chosen
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(read_each, tmp_path, version, chosen).result() == {}
