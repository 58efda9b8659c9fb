"""WebSocket frames rewritten in place, read by wsproto, which wrote them."""

from __future__ import annotations

import pytest
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode

from plainwire.share.hiding import Hider
from plainwire.share.marks import Marker
from plainwire.share.websocket_text import WebSocketText

SECRET = "hunter2-" * 40


def _ends(*, compressed: bool) -> tuple[FrameProtocol, FrameProtocol]:
    ends = []
    for client in (True, False):
        extensions: list[Extension] = []
        if compressed:
            deflate = PerMessageDeflate()
            deflate._enabled = True
            extensions.append(deflate)
        ends.append(FrameProtocol(client=client, extensions=extensions))
    return ends[0], ends[1]


@pytest.mark.parametrize("compressed", [False, True])
def test_frames_keep_their_kind_and_size_and_say_nothing(compressed: bool) -> None:  # noqa: FBT001 - a parameter
    client, server = _ends(compressed=compressed)
    data = client.send_data(SECRET, fin=True) + client.send_data(b"\1\2" + SECRET.encode(), fin=False)
    data += client.send_data(SECRET.encode() * 9, fin=True) + client.ping(b"hunter2")
    data += client.close(CloseReason.INTERNAL_ERROR, "token=hunter2hunter2 is gone")
    made = WebSocketText(Hider(Marker(b"k" * 32)), compressed=compressed).rewritten(bytes(data))
    assert len(made) == len(data)
    server.receive_bytes(made)
    frames = list(server.received_frames())
    assert [frame.opcode for frame in frames if frame.message_finished] == [
        Opcode.TEXT,
        Opcode.BINARY,
        Opcode.PING,
        Opcode.CLOSE,
    ]
    assert frames[-1].payload[0] == CloseReason.INTERNAL_ERROR
    assert "is gone" in str(frames[-1].payload)
    assert "hunter2" not in repr([frame.payload for frame in frames])


def test_what_is_cut_is_hidden() -> None:
    client, _ = _ends(compressed=False)
    data = client.send_data(SECRET, fin=True)[:-20]
    made = WebSocketText(Hider(Marker(b"k" * 32)), compressed=False).rewritten(bytes(data))
    key = made[4:8]
    assert b"hunter2" not in bytes(byte ^ key[at % 4] for at, byte in enumerate(made[8:]))
    assert len(made) == len(data)
