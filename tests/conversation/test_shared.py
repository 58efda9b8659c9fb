"""What is noted of a connection beside its messages."""

from __future__ import annotations

from plainwire.conversation.shared import Shared
from plainwire.http.reading import Reading
from plainwire.model import Connection, Endpoint, Side, TlsInfo
from plainwire.tls.keylog import KeyLog
from plainwire.tls.session import TlsAlert

CLOSE_NOTIFY, USER_CANCELED = 0, 90


class _Where:
    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        return [7 for _ in offsets], [0 for _ in offsets]

    def begins(self, offset: int) -> bool:
        return bool(offset)


def test_a_close_notify_keeps_that_its_sender_wanted_no_more() -> None:
    client, server = Endpoint("192.0.2.7", 40000), Endpoint("203.0.113.7", 443)
    facts = Connection(id=1, client=client, server=server, first_packet=1, opened_ns=0)
    shared = Shared(facts, (_Where(), _Where()), KeyLog(), Reading())
    for side, description in (
        (Side.CLIENT, USER_CANCELED),
        (Side.CLIENT, CLOSE_NOTIFY),
        (Side.SERVER, CLOSE_NOTIFY),
    ):
        shared.alert(TlsAlert(side, description, False, 0, 2), TlsInfo("TLS 1.3"))  # noqa: FBT003 - a tuple
    shared.settle_closes()
    assert [(c.side, c.kind, c.detail) for c in facts.closes] == [
        (Side.CLIENT, "close_notify", "user_canceled"),
        (Side.SERVER, "close_notify", ""),
    ]
