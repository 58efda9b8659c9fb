"""When a TLS handshake began and ended, as a waterfall needs it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from plainwire import pipeline
from plainwire.model import Side
from tests.builders.captures import pcap
from tests.builders.conversation import Conversation
from tests.cli.plain_capture import GET, OK
from tests.tls.live import Live, contexts

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_700_000_000_000_000_000
MILLISECOND = 1_000_000
"""Between two packets of the capture."""


@pytest.mark.parametrize(
    ("version", "flights"),
    [(ssl.TLSVersion.TLSv1_2, 4), (ssl.TLSVersion.TLSv1_3, 3)],
    ids=["TLS 1.2: the server's Finished comes last", "TLS 1.3: the client's"],
)
def test_times_of_the_client_hello_and_of_the_last_finished(
    version: ssl.TLSVersion, flights: int, tmp_path: Path
) -> None:
    live = Live(*contexts(version))
    live.say(Side.CLIENT, GET)
    live.say(Side.SERVER, OK)
    wire = Conversation(segment_size=60_000).open()
    for side, data in live.wire:
        wire.send(side, data)
    capture, keys = tmp_path / "talk.pcap", tmp_path / "keys.log"
    capture.write_bytes(pcap(wire.packets))
    keys.write_bytes(live.key_log)
    (connection,) = pipeline.analyze([capture], [keys]).connections
    assert connection.connected_ns == SECOND + MILLISECOND
    assert connection.tls is not None
    assert connection.tls.began_ns == SECOND + 3 * MILLISECOND
    assert connection.tls.finished_ns == SECOND + (2 + flights) * MILLISECOND
