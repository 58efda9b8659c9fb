"""bench/perturb, a sample: healthy traffic accuses nobody, however poor the capture is."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from conformance import reference
from perturb import command, sources
from perturb.damage import KINDS

from plainwire.model import Side
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.corpus import corpus

if TYPE_CHECKING:
    from pathlib import Path

_APART_US = 13_000
"""Of the packets: a round trip of 26 ms."""
_BODY = gzip.compress(b"what was asked for, " * 400, mtime=0)
_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (4000, b"x" * 4000),
    b"HTTP/1.1 204 No Content\r\n\r\n",
)
_ASKED = (
    b"GET /zipped HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"POST /chunks HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2000\r\n\r\n" + b"y" * 2000,
    b"DELETE /old HTTP/1.1\r\nHost: a.example\r\n\r\n",
)
_ONCE_ACCUSED = (
    "zeek/tcp-fast-open.pcap",
    "zeek/docker-http-upgrade.pcap",
    "zeek/broker-websocket.pcap",
    "zeek/vlan-collisions.pcap",
    "suricata-verify/http-evader__http-evader-448.pcap",
    "suricata-verify/http2-compression-bug.pcap",
    "suricata-verify/lua__lua-flowintlib__rootx5.pcap",
    "arkime/http-post-upload.pcap",
)
"""Captures of which damaged variants were once taken for failures."""


def _talk(ender: Side) -> list[bytes]:
    """Three exchanges on one connection, and its end."""
    talk = Conversation().open()
    for asked, answered in zip(_ASKED, _PAGE, strict=True):
        talk.send(Side.CLIENT, asked).ack(Side.SERVER).send(Side.SERVER, answered).ack(Side.CLIENT)
    return talk.fin(ender).fin(ender.peer).ack(ender).packets


@pytest.mark.parametrize("ender", Side)
def test_no_damage_to_a_healthy_capture_accuses_anybody(ender: Side, tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    path.write_bytes(pcap(_talk(ender), step=_APART_US))
    counts = command.check(sources.Source("talk", path), tuple(KINDS))
    assert counts.wrong == []
    assert set(counts.variants) == set(KINDS)
    assert counts.variants.total() > 90


@pytest.mark.parametrize("name", _ONCE_ACCUSED)
def test_what_was_accused_once_stays_without_a_finding(name: str) -> None:
    (capture,) = (each for each in reference.captures(corpus()) if each.name == name)
    counts = command.check(sources.Source(name, capture.path, capture.keys), tuple(KINDS))
    assert counts.wrong == []
    assert counts.variants.total() > 20
