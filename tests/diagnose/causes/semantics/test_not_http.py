"""What answers at that port speaks another protocol than HTTP (code not-http)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire import pipeline
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.http.talk import CLIENT, GET, SERVER

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Finding

SSH, SMTP = b"SSH-2.0-OpenSSH_9.2p1\r\n", b"220 mx.example ESMTP\r\n"


def _found(folder: Path, talk: Conversation) -> list[Finding]:
    path = folder / "a.pcap"
    path.write_bytes(pcap(talk.packets))
    return pipeline.analyze([path]).findings


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (SSH, "SSH"),
        (SMTP, "SMTP or FTP"),
        (b"-ERR unknown command 'GET'\r\n", "Redis"),
        (b"\x4a\0\0\0\x0a8.0.36\0" + bytes(66), "MySQL"),
        (b"* OK IMAP4 ready\r\n", "IMAP"),
        (b"+OK POP3 ready\r\n", "POP3"),
        (b"RFB 003.008\n", "VNC"),
    ],
)
@pytest.mark.parametrize("greets", [False, True])
def test_the_first_words_of_another_protocol_say_so(
    tmp_path: Path, said: bytes, name: str, *, greets: bool
) -> None:
    talk = Conversation().open()
    if greets:
        talk.send(SERVER, said).send(CLIENT, GET)
    else:
        talk.send(CLIENT, GET).send(SERVER, said)
    (finding,) = _found(tmp_path, talk.ack(CLIENT).fin(CLIENT).fin(SERVER))
    assert (finding.code, finding.fault, finding.certainty) == ("not-http", "client", "likely")
    assert f" of {name}, " in finding.claim
    assert ("greeting" in finding.claim) is greets


def test_bytes_that_no_known_protocol_begins_with_are_the_server_s_fault(tmp_path: Path) -> None:
    talk = (
        Conversation(server=("203.0.113.7", 8080))
        .open()
        .send(CLIENT, GET)
        .send(SERVER, b'{"error": "bad"}\n')
    )
    (finding,) = _found(tmp_path, talk.ack(CLIENT).fin(SERVER).fin(CLIENT))
    assert (finding.code, finding.fault) == ("bad-framing", "server")
