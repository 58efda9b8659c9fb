"""The client's address changed under the connection."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Endpoint, QuicInfo, StreamEvent
from tests.diagnose.causes.http2.multiplexed import Multiplexed
from tests.diagnose.wire import CLIENT, CLIENT_END, EPOCH_NS, MS, SERVER, SERVER_END

OTHER_END = Endpoint(CLIENT_END.address, CLIENT_END.port + 1)


def moved(*, acknowledged: int | None = None, at: int = 199) -> list[str]:
    """A connection whose client has another address from ``at`` ms on."""
    scene = Multiplexed("h3")
    assert scene.failed.request is not None
    packet = scene.failed.request.packet if at < 200 else 900
    connection = scene.connection()
    connection.quic = QuicInfo(paths=[(CLIENT_END, SERVER_END), (OTHER_END, SERVER_END)])
    connection.events.append(StreamEvent("migration", CLIENT, EPOCH_NS + at * MS, packet))
    connection.quic.numbers[CLIENT] = [(packet, packet) for packet in range(6)]
    connection.quic.acknowledged[SERVER] = [(EPOCH_NS + 100 * MS, 2, 0, 3)]
    if acknowledged is not None:
        connection.quic.acknowledged[SERVER].append((EPOCH_NS + acknowledged * MS, 9, 4, 5))
    return [finding.code for finding in diagnose([connection])]


def test_a_client_whose_new_address_the_server_does_not_take() -> None:
    assert moved() == ["quic-nat-rebinding"]


def test_a_new_address_that_the_server_took_or_that_came_later_is_not_the_cause() -> None:
    assert moved(acknowledged=250) == ["unexplained"]
    assert moved(at=400) == ["unexplained"]
