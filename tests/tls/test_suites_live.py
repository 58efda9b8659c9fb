"""Every cipher suite that the installed OpenSSL has, spoken by it over loopback and read from the wire."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from plainwire.tls.keylog import KeyLog
from tests.needs import tool
from tests.tls.live import certificate, read
from tests.tls.relay import Relay, relay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plainwire.model import Side

ALL = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
PSK = "00112233445566778899aabbccddeeff"
LINES = [b"GET /one HTTP/1.1\n", bytes(range(97, 123)) * 77 + b"\n", b"three\n"]
ASKED = b"".join(LINES)
ANSWERED = b"".join(line[-2::-1] + b"\n" for line in LINES)
TLS13 = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
]
FLAGS = {"TLS 1.0": "-tls1", "TLS 1.1": "-tls1_1", "TLS 1.2": "-tls1_2", "TLS 1.3": "-tls1_3"}
_PATIENCE = 60


def offered(version: str) -> dict[str, str]:
    """OpenSSL's names of the suites that it speaks under a version, and the registry's."""
    if version == "TLS 1.3":
        return {name: name for name in TLS13}  # it lists those alone that are on by default
    command = [tool("openssl"), "ciphers", "-s", "-psk", "-stdname", FLAGS[version], ALL]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE).stdout
    return {name: standard for standard, name in re.findall(r"^(\S+) +- (\S+)", listed, re.MULTILINE)}


@dataclass
class OpenSsl:
    """A server that sends each line back reversed, and clients for it."""

    folder: Path
    between: Relay

    def talk(self, *options: str) -> list[tuple[Side, bytes]]:
        """What the wire carried when a client with these options said ``LINES``."""
        self.between.begin()
        command = [tool("openssl"), "s_client", "-connect", f"127.0.0.1:{self.between.port}"]
        command += ["-quiet", "-no_ign_eof", *options]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                for line in LINES:
                    client.stdin.write(line)
                    client.stdin.flush()
                    client.stdout.readline()
            client.communicate(timeout=_PATIENCE)
        return self.between.wait()

    @property
    def key_log(self) -> bytes:
        return (self.folder / "keys.log").read_bytes()


@contextlib.contextmanager
def server(folder: Path, *options: str, certificates: tuple[str, ...] = ("rsa", "ec")) -> Iterator[OpenSsl]:
    """At most two certificates: one for ECDSA and one for the others."""
    command = [tool("openssl"), "s_server", "-accept", "127.0.0.1:0", "-rev", "-cipher", ALL, "-psk", PSK]
    command += ["-ciphersuites", ":".join(TLS13)]
    for kind, flags in zip(certificates, (("-cert", "-key"), ("-dcert", "-dkey")), strict=False):
        path = folder / f"{kind}.pem"
        path.write_bytes(certificate(kind))
        command += [flags[0], str(path), flags[1], str(path)]
    command += ["-keylogfile", str(folder / "keys.log"), *options]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        with relay(_port(folder / "output")) as between:
            yield OpenSsl(folder, between)
    finally:
        process.kill()
        process.wait(_PATIENCE)


def _port(output: Path) -> int:
    for _ in range(_PATIENCE * 50):
        found = re.search(rb"^ACCEPT .*:(\d+)\n", output.read_bytes(), re.MULTILINE)
        if found:
            return int(found[1])
        time.sleep(0.02)
    pytest.fail("openssl s_server does not begin")


def wrong(
    spoken: OpenSsl, suite: str, standard: str, version: str, keys: bytes | KeyLog | None = None
) -> str:
    """What is not as it was said; empty if all is."""
    flag = "-ciphersuites" if version == "TLS 1.3" else "-cipher"
    name = suite if version == "TLS 1.3" else f"{suite}:@SECLEVEL=0"
    secrets = ["-psk", PSK] if "PSK" in suite else []
    wire = spoken.talk(FLAGS[version], flag, name, *secrets)
    reading = read(wire, spoken.key_log if keys is None else keys)
    info = reading.session.info
    if (info.cipher_suite, info.version) != (standard, version):
        return f"{info.version} {info.cipher_suite}"
    if reading.texts != (ASKED, ANSWERED):
        return f"{[len(text) for text in reading.texts]} bytes, {reading.reasons}"
    return ""


def split(suites: dict[str, str]) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """By the certificates that a server needs for them."""
    dss = {name: standard for name, standard in suites.items() if "_DSS_" in standard}
    others = {name: standard for name, standard in suites.items() if name not in dss}
    return [(("dsa",), dss), (("rsa", "ec"), others)]


def read_each(folder: Path, version: str, suites: dict[str, str], *options: str) -> None:
    assert suites
    told: dict[str, str] = {}
    for certificates, chosen in split(suites):
        with server(folder, *options, certificates=certificates) as spoken:
            told |= {name: wrong(spoken, name, standard, version) for name, standard in chosen.items()}
    assert {name: text for name, text in told.items() if text} == {}


@pytest.mark.parametrize("version", FLAGS)
def test_each_suite_that_openssl_offers(version: str, tmp_path: Path) -> None:
    read_each(tmp_path, version, offered(version))


@pytest.mark.parametrize("version", ["TLS 1.0", "TLS 1.2"])
def test_each_suite_in_cbc_with_the_mac_inside(version: str, tmp_path: Path) -> None:
    cbc = {name: standard for name, standard in offered(version).items() if "_CBC_" in standard}
    read_each(tmp_path, version, cbc, "-no_etm")


def without_key_log(private_key: str = "", psk: str = "") -> KeyLog:
    """What a user has who cannot have a key log."""
    keys = KeyLog()
    if private_key:
        keys.private_keys.add(certificate(private_key), "key")
    if psk:
        keys.psks += [bytes(16), bytes.fromhex(psk), b"x"]
    return keys


@pytest.mark.parametrize("version", ["TLS 1.0", "TLS 1.1", "TLS 1.2"])
@pytest.mark.parametrize(
    ("exchange", "private_key", "psk"), [("RSA", "rsa", ""), ("PSK", "", PSK), ("RSA_PSK", "rsa", PSK)]
)
def test_what_needs_no_key_log(
    version: str, exchange: str, private_key: str, psk: str, tmp_path: Path
) -> None:
    begin = f"TLS_{exchange}_WITH_"
    chosen = {name: standard for name, standard in offered(version).items() if standard.startswith(begin)}
    keys = without_key_log(private_key, psk)
    assert chosen
    with server(tmp_path) as spoken:
        told = {name: wrong(spoken, name, standard, version, keys) for name, standard in chosen.items()}
    assert {name: text for name, text in told.items() if text} == {}


def test_a_private_key_does_not_open_what_diffie_and_hellman_closed(tmp_path: Path) -> None:
    with server(tmp_path) as spoken:
        wire = spoken.talk("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA")
        reading = read(wire, without_key_log("rsa"))
    assert reading.texts == (b"", b"")
    assert {reason.text for reason in reading.reasons} == {"no secret for this client random"}
