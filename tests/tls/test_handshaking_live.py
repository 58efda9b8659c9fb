"""Handshakes that OpenSSL's own programs can be made to do, over loopback, and read from the wire."""

from __future__ import annotations

import contextlib
import itertools
import re
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import Side
from plainwire.tls.certificate import read as read_certificate
from plainwire.tls.keylog import KeyLog
from tests.needs import tool
from tests.tls.live import CLIENT, HOST, SERVER, Hole, Piece, certificate, keys_of, read
from tests.tls.relay import Relay, relay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE = 60.0
LINE, ENIL = b"what the client says\n", b"syas tneilc eht tahw\n"
DONE = {b"R\n": b"RENEGOTIATING\n", b"K\n": b"KEYUPDATE\n", b"k\n": b"KEYUPDATE\n"}
"""Commands of s_client, and what it says when it has done them."""


@dataclass
class Server:
    """An openssl s_server; with ``-rev`` it sends each line back reversed."""

    folder: Path
    between: Relay
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def key_log(self) -> bytes:
        return (self.folder / "keys.log").read_bytes()

    @contextlib.contextmanager
    def client(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """An openssl s_client, connected through the relay."""
        self.between.begin()
        command = [tool("openssl"), "s_client", "-connect", f"127.0.0.1:{self.between.port}", *options]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as client:
            try:
                yield client
                client.communicate(timeout=_PATIENCE)
            finally:
                client.kill()

    def talk(self, *options: str, between: tuple[bytes, ...] = ()) -> list[Piece]:
        """Say ``LINE``, then again after each of the s_client commands in ``between``."""
        with self.client(*options) as client:
            say(client, LINE, ENIL)
            for command in between:
                say(client, command, DONE[command])  # a command is one only if it comes alone
                say(client, LINE, ENIL)
        return self.between.wait()


def say(client: subprocess.Popen[bytes], text: bytes, answer: bytes) -> None:
    """Send a line, and wait for one that ends with the answer, if there is to be one."""
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(text)
    client.stdin.flush()
    for _ in range(500 if answer else 0):
        line = client.stdout.readline()
        if line.endswith(answer):
            return
        assert line, "s_client has ended"
    assert not answer


@contextlib.contextmanager
def server(folder: Path, *options: str) -> Iterator[Server]:
    path = folder / "server.pem"
    path.write_bytes(certificate("rsa"))
    command = [tool("openssl"), "s_server", "-accept", "127.0.0.1:0", "-cert", str(path), "-key", str(path)]
    command += ["-keylogfile", str(folder / "keys.log"), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if line.startswith(b"ACCEPT"))
            with relay(int(line.rsplit(b":", 1)[1])) as between:
                yield Server(folder, between, process)
        finally:
            process.kill()


@dataclass(frozen=True)
class Spoken:
    wire: list[Piece]
    key_log: bytes


@pytest.fixture(scope="module")
def renegotiated(tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    """Three handshakes, the client's lines between them."""
    with server(tmp_path_factory.mktemp("s"), "-rev", "-tls1_2", "-client_renegotiation") as spoken:
        return Spoken(spoken.talk("-tls1_2", between=(b"R\n", b"R\n")), spoken.key_log)


def test_renegotiation_twice(renegotiated: Spoken) -> None:
    reading = read(renegotiated.wire, renegotiated.key_log)
    assert reading.texts == (LINE * 3, ENIL * 3)
    assert reading.reasons == []
    info = reading.session.info
    assert info.renegotiations == 2
    randoms = re.findall(rb"CLIENT_RANDOM (\S+)", renegotiated.key_log)
    assert info.client_random.hex().encode() == randoms[0]
    assert len(set(randoms)) == 3


def test_a_renegotiation_whose_secret_is_lacking_ends_the_text_there(renegotiated: Spoken) -> None:
    lines = renegotiated.key_log.splitlines(keepends=True)
    log = b"".join(line for line in lines if line.startswith(b"CLIENT_RANDOM"))
    first_two = b"".join(log.splitlines(keepends=True)[:2])
    reading = read(renegotiated.wire, first_two)
    assert reading.texts == (LINE * 2, ENIL * 2)
    assert {r.text for r in reading.reasons} == {"no secret for this client random"}


@given(st.data())
def test_renegotiation_with_a_hole_makes_up_no_text(renegotiated: Spoken, data: st.DataObject) -> None:
    wire: list[Piece | Hole] = list(renegotiated.wire)
    at = data.draw(st.integers(0, len(wire) - 1))
    side, piece = renegotiated.wire[at]
    low, high = sorted(data.draw(st.tuples(*[st.integers(0, len(piece))] * 2)))
    holed = [(side, piece[:low]), (side, high - low), (side, piece[high:])]
    wire[at : at + 1] = [part for part in holed if part[1]]
    for said, texts in zip((LINE * 3, ENIL * 3), read(wire, renegotiated.key_log).runs, strict=True):
        assert all(text in said for text in texts)


@pytest.mark.parametrize("first", Side)
def test_renegotiation_read_one_direction_after_the_other(renegotiated: Spoken, first: Side) -> None:
    order = sorted(renegotiated.wire, key=lambda piece: piece[0] != first)
    assert read(order, renegotiated.key_log).texts == (LINE * 3, ENIL * 3)


@given(st.data())
def test_renegotiation_in_any_pieces_reads_the_same(renegotiated: Spoken, data: st.DataObject) -> None:
    sides = {side: b"".join(d for s, d in renegotiated.wire if s == side) for side in Side}
    wire: list[Piece] = []
    for side, text in sides.items():
        cuts = sorted({0, len(text), *data.draw(st.lists(st.integers(0, len(text)), max_size=6))})
        wire += [(side, text[a:b]) for a, b in itertools.pairwise(cuts)]
    turns = data.draw(st.permutations([side for side, _ in wire]))
    queues = {side: iter([piece for piece in wire if piece[0] == side]) for side in Side}
    reading = read([next(queues[side]) for side in turns], renegotiated.key_log)
    assert reading.texts == (LINE * 3, ENIL * 3)


@given(st.data())
def test_a_renegotiation_with_bytes_damaged_makes_up_no_text(
    renegotiated: Spoken, data: st.DataObject
) -> None:
    wire = list(renegotiated.wire)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(wire) - 1))
        side, piece = wire[at]
        place, junk = data.draw(st.integers(0, len(piece))), data.draw(st.binary(max_size=9))
        wire[at] = side, piece[:place] + junk + piece[place + len(junk) :]
    runs = read(wire, renegotiated.key_log).runs
    for said, texts in zip((LINE * 3, ENIL * 3), runs, strict=True):
        assert all(text in said for text in texts)


def test_a_renegotiation_that_the_server_refuses(tmp_path: Path) -> None:
    with (
        server(tmp_path, "-rev", "-tls1_2", "-no_renegotiation") as spoken,
        spoken.client("-tls1_2") as client,
    ):
        say(client, LINE, ENIL)
        say(client, b"R\n", DONE[b"R\n"])
    reading = read(spoken.between.wait(), spoken.key_log)
    assert reading.texts == (LINE, ENIL)
    assert reading.session.info.renegotiations == 0
    assert reading.reasons == []


def test_a_renegotiation_that_the_server_asks_for(tmp_path: Path) -> None:
    with server(tmp_path, "-tls1_2") as spoken, spoken.client("-tls1_2", "-state") as client:
        _until(client, b"Verify return code")
        say(client, LINE, b"")
        assert spoken.process.stdin is not None
        assert spoken.process.stdout is not None
        spoken.process.stdin.write(b"r\n")  # HelloRequest
        spoken.process.stdin.flush()
        assert any(b"SSL_do_handshake -> 1" in line for line in spoken.process.stdout)
        _until(client, b"SSL negotiation finished successfully")
        say(client, LINE, b"")
    reading = read(spoken.between.wait(), spoken.key_log)
    assert reading.texts[CLIENT] == LINE * 2
    assert reading.reasons == []
    assert reading.session.info.renegotiations == 1


def test_key_updates_asked_for_by_the_client(tmp_path: Path) -> None:
    with server(tmp_path, "-rev", "-tls1_3") as spoken:
        wire = spoken.talk(between=(b"K\n", b"k\n", b"K\n"))  # K: the server shall update, too
        reading = read(wire, spoken.key_log)
    assert reading.texts == (LINE * 4, ENIL * 4)
    assert reading.reasons == []
    assert reading.session.info.key_updates == [3, 2]


def _key_log_of(log: bytes, number: int) -> bytes:
    """The lines of the connection with this number only."""
    randoms = list(dict.fromkeys(re.findall(rb"^\S+ ([0-9a-f]{64}) ", log, re.MULTILINE)))
    return b"".join(line for line in log.splitlines(keepends=True) if randoms[number] in line)


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1", "-tls1_2"])
@pytest.mark.parametrize("ticket", [True, False])
def test_a_resumption_needs_only_the_secret_of_the_session(
    version: str, tmp_path: Path, *, ticket: bool
) -> None:
    session = str(tmp_path / "session")
    options = ["-rev", version, "-cipher", "ALL:@SECLEVEL=0", *([] if ticket else ["-no_ticket"])]
    with server(tmp_path, *options) as spoken:
        client = [version, "-cipher", "ALL:@SECLEVEL=0"]
        wires = [
            spoken.talk(*client, "-sess_out", session),
            spoken.talk(*client, "-sess_in", session),
        ]
        keys = keys_of(_key_log_of(spoken.key_log, 0))
    readings = [read(wire, keys) for wire in wires]
    assert [r.texts for r in readings] == [(LINE, ENIL)] * 2
    assert [r.session.info.resumed for r in readings] == [False, True]


def test_a_resumption_whose_full_handshake_is_not_in_the_capture(tmp_path: Path) -> None:
    session = str(tmp_path / "session")
    with server(tmp_path, "-rev", "-tls1_2") as spoken:
        spoken.talk("-sess_out", session)
        wire = spoken.talk("-sess_in", session)
        log = spoken.key_log
    reading = read(wire, _key_log_of(log, 1))
    assert reading.texts == (LINE, ENIL)
    assert reading.session.info.resumed
    assert {r.text for r in read(wire, _key_log_of(log, 0)).reasons} == {"no secret for this client random"}


@pytest.mark.parametrize("extended", [True, False])
def test_the_server_s_private_key_opens_an_rsa_key_exchange_and_its_resumption(
    tmp_path: Path, *, extended: bool
) -> None:
    session = str(tmp_path / "session")
    configuration = tmp_path / "openssl.cnf"
    configuration.write_text(
        "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nOptions = "
        + ("" if extended else "-ExtendedMasterSecret,")
        + "Bugs\n"
    )
    keys = KeyLog()
    keys.private_keys.add(certificate("rsa"), "key")
    with (
        pytest.MonkeyPatch.context() as patch,
        server(tmp_path, "-rev", "-tls1_2", "-cipher", "AES128-GCM-SHA256") as spoken,
    ):
        patch.setenv("OPENSSL_CONF", str(configuration))
        wires = [spoken.talk("-sess_out", session), spoken.talk("-sess_in", session)]
    readings = [read(wire, keys) for wire in wires]
    assert [r.texts for r in readings] == [(LINE, ENIL)] * 2
    assert [r.session.info.extended_master_secret for r in readings] == [extended] * 2


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_whom_the_server_accepts_and_how_much_the_client_sends(version: str, tmp_path: Path) -> None:
    own, authority = tmp_path / "client.pem", tmp_path / "authority.pem"
    own.write_bytes(certificate("ec"))
    authority.write_bytes(certificate("rsa"))
    with server(tmp_path, "-rev", version, "-verify", "1", "-CAfile", str(authority)) as spoken:
        wire = spoken.talk("-cert", str(own), "-key", str(own), version)
        info = read(wire, spoken.key_log).session.info
    subject = x509.load_pem_x509_certificate(authority.read_bytes()).subject.public_bytes()
    assert (info.authorities, info.client_chain) == ([subject], 1)
    assert (info.newest_offered, info.stapled) == (0x0303 if version == "-tls1_2" else 0x0304, False)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_stapled_ocsp_response(version: str, tmp_path: Path) -> None:
    staple = tmp_path / "ocsp.der"
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    staple.write_bytes(later.public_bytes(Encoding.DER))
    with server(tmp_path, "-rev", version, "-status_file", str(staple)) as spoken:
        asked = read(spoken.talk("-status"), spoken.key_log).session.info
    assert (asked.status_requested, asked.stapled) == (True, True)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_certificates_of_both_sides(version: str, tmp_path: Path) -> None:
    own = tmp_path / "client.pem"
    own.write_bytes(certificate("ec"))
    with server(tmp_path, "-rev", version, "-verify", "1") as spoken:
        wire = spoken.talk("-cert", str(own), "-key", str(own))
        info = read(wire, spoken.key_log).session.info
    for der, kind in ((info.certificate, "rsa"), (info.client_certificate, "ec")):
        name = tmp_path / "der"
        name.write_bytes(der)
        pem = tmp_path / "pem"
        pem.write_bytes(certificate(kind))
        command = [tool("openssl"), "x509", "-noout", "-subject", "-enddate", "-nameopt", "rfc2253", "-in"]
        told = [
            subprocess.run([*command, str(path)], capture_output=True, check=True, timeout=_PATIENCE).stdout
            for path in (name, pem)
        ]
        assert told[0] == told[1]
        facts = read_certificate(der)
        assert f"subject={facts.subject}\n".encode() in told[1]
        assert (facts.subject, facts.defect) == (f"CN={HOST}", "")


def test_a_short_record_limit(tmp_path: Path) -> None:
    text = LINE[:-1] * 99 + b"\n"
    with server(tmp_path, "-rev", "-tls1_2") as spoken:
        with spoken.client("-maxfraglen", "512") as client:
            say(client, text, text[-2::-1] + b"\n")
        reading = read(spoken.between.wait(), spoken.key_log)
    assert reading.texts == (text, text[-2::-1] + b"\n")
    assert max(end - start for start, end in reading.records[SERVER]) < 600


@pytest.mark.parametrize("second", ["same", "other", "retry"])
def test_early_data(second: str, tmp_path: Path) -> None:
    """Accepted; refused by a server that does not know the ticket; refused by a HelloRetryRequest."""
    session, early = tmp_path / "session", tmp_path / "early"
    early.write_bytes(b"said early\n")
    with contextlib.ExitStack() as stack:
        spoken = stack.enter_context(server(tmp_path, "-tls1_3", "-early_data"))
        with spoken.client("-sess_out", str(session)) as client:
            _until(client, b"Verify return code")
            _appears(session)  # the ticket has come
            say(client, LINE, b"")
        spoken.between.wait()
        if second != "same":
            (tmp_path / "b").mkdir()
            groups = ["-groups", "P-384"] if second == "retry" else []
            spoken = stack.enter_context(server(tmp_path / "b", "-tls1_3", "-early_data", *groups))
        with spoken.client("-sess_in", str(session), "-early_data", str(early)) as client:
            _until(client, b"Verify return code")
            say(client, LINE, b"")
        wire = spoken.between.wait()
        log = spoken.key_log
    reading = read(wire, log)
    assert reading.reasons == []
    assert reading.texts[CLIENT] == (b"said early\n" if second == "same" else b"") + LINE
    info = reading.session.info
    assert info.early_data == ("accepted" if second == "same" else "rejected")
    assert (info.resumed, info.hello_retry) == (second == "same", second == "retry")


def _appears(path: Path) -> None:
    for _ in range(600):
        if path.exists() and path.stat().st_size:
            return
        time.sleep(0.1)
    pytest.fail("no session was written")


def _until(client: subprocess.Popen[bytes], *lines: bytes) -> None:
    assert client.stdout is not None
    for wanted in lines:
        for line in client.stdout:
            if wanted in line:
                break
        else:
            pytest.fail(f"s_client did not say {wanted!r}")
