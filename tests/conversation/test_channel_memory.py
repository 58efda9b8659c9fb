"""What reading a connection took is free when it is over: the collector of cycles does not run."""

from __future__ import annotations

import gc
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from plainwire import pipeline
from tests.conversation.test_channel_nesting import CONNECT, ESTABLISHED
from tests.conversation.wire import CLIENT, GET, OK, SERVER, Said, Talk
from tests.http.talk2 import Pair

if TYPE_CHECKING:
    from pathlib import Path

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def _http2() -> Said:
    pair = Pair()
    pair.answer(pair.ask())
    return [(act.side, act.data) for act in pair.talk.acts if act.data is not None]


TALKS: dict[str, Talk] = {
    "http/1.1": Talk().client(GET).server(OK),
    "tls": Talk().tls([(CLIENT, GET), (SERVER, OK)]),
    "tls in a tunnel": Talk().client(CONNECT).server(ESTABLISHED).tls([(CLIENT, GET), (SERVER, OK)]),
    "websocket": Talk().client(UPGRADE).server(SWITCHED + b"\x81\x02ok"),
    "h2": Talk(_http2()),
}


def _left(folder: Path) -> Counter[str]:
    """Objects of ours that hold each other, when an analysis is over."""
    report = pipeline.analyze([folder / "talk.pcap"], [folder / "keys.log"])
    assert report.exchanges
    del report
    gc.collect()
    return Counter(
        type(left).__name__ for left in gc.garbage if type(left).__module__.startswith("plainwire.")
    )


@pytest.mark.parametrize("kind", TALKS)
def test_a_connection_that_is_over_leaves_no_cycles(kind: str, tmp_path: Path) -> None:
    TALKS[kind].report(tmp_path)
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        assert _left(tmp_path) == Counter()
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
