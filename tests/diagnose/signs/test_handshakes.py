"""Signs of TLS and of tunnels."""

from __future__ import annotations

from plainwire.diagnose.signs import collect
from plainwire.model import ACK, PSH, Connection, TlsInfo, Tunnel
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, SERVER, Wire


def _signs(*connections: Connection) -> list[tuple[str, str | None]]:
    return [(sign.kind, sign.claimed_by) for sign in collect(connections)]


def _idle_for_long(number: int = 9) -> Connection:
    """A later connection, so that the capture goes on."""
    later = Wire(id=number, first_exchange=90, first_packet=900, start=60_000)
    later.ok(0)
    return later.done()


def test_a_handshake_that_ended_early_is_a_sign() -> None:
    opening = Opening().syn(0).accept().hello(81)
    opening.close(SERVER, "fin", 200, ack=517)
    assert _signs(opening.done(), _idle_for_long()) == [("tls-handshake-not-completed", None)]


def test_a_handshake_inside_a_tunnel_counts_too() -> None:
    wire = Wire()
    wire.ask(0, "server.example:443", method="CONNECT")
    wire.answer(80, framing="tunnel", declared=None)
    connection = wire.done()
    connection.inner_tls = [TlsInfo()]
    assert _signs(connection, _idle_for_long()) == [("tls-handshake-not-completed", None)]


def test_a_handshake_at_the_capture_s_end_is_harmless() -> None:
    opening = Opening().syn(0).accept().hello(81)
    assert _signs(opening.done()) == [
        ("tls-handshake-not-completed", "harmless: the handshake was under way when the capture ended")
    ]


def test_a_fatal_alert_is_a_sign_and_named() -> None:
    wire = Wire()
    wire.ask(0)
    wire.close(SERVER, "alert", 80, detail="certificate_required")
    signs = collect([wire.done("unanswered")])
    assert [sign.kind for sign in signs] == ["tls-alert-by-server", "no-response"]
    assert "certificate_required" in signs[0].says


def test_an_alert_when_everything_was_over_is_harmless() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "fin", 100)
    wire.close(SERVER, "alert", 180, detail="decode_error")
    assert _signs(wire.done()) == [
        ("tls-alert-by-server", "harmless: the other side had closed the connection already")
    ]


def test_a_warning_ends_nothing() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "alert", 100, detail="user_canceled")
    assert _signs(wire.done()) == []


def test_a_tunnel_that_a_proxy_refused_is_a_sign() -> None:
    opening = Opening().syn(0).accept()
    connection = opening.done()
    connection.tunnels = [Tunnel("SOCKS 5", "server.example:443", 5, "not allowed")]
    assert ("tunnel-refused", None) in _signs(connection)


def _wordless(*, talked: bool = False) -> Connection:
    """A client that leaves after the handshake."""
    tls = TlsInfo("TLS 1.3", "suite", handshake_complete=True, talked=[talked, False])
    opening = Opening(tls=tls).syn(0).accept().hello(81)
    opening.segment(SERVER, 161, ACK | PSH, ack=517, length=3000)
    opening.close(CLIENT, "fin", 200, seq=600, ack=3000)
    return opening.done()


def test_a_client_that_leaves_after_the_handshake_is_a_sign() -> None:
    assert _signs(_wordless()) == [("no-request-after-handshake", None)]


def test_a_spare_connection_is_harmless() -> None:
    assert _signs(_wordless(), _idle_for_long()) == [
        (
            "no-request-after-handshake",
            "harmless: a spare connection: requests to the same address went over others",
        )
    ]


def test_a_client_that_spoke_another_protocol_said_something() -> None:
    assert _signs(_wordless(talked=True)) == []


def test_a_handshake_that_the_client_dropped_at_once_beside_others_was_a_spare_one() -> None:
    opening = Opening().syn(0).accept().hello(81)
    opening.close(CLIENT, "rst", 200)
    spare = "harmless: a spare connection: requests to the same address went over others"
    assert _signs(opening.done(), _idle_for_long()) == [("tls-handshake-not-completed", spare)]
    opening.close(SERVER, "alert", 201, detail="fatal: decode_error")
    left = "harmless: the client had left its spare connection already"
    assert ("tls-alert-by-server", left) in _signs(opening.done(), _idle_for_long())


def test_a_handshake_that_the_client_waited_for_is_none() -> None:
    opening = Opening().syn(0).accept().hello(81)
    opening.close(CLIENT, "fin", 5_000)
    assert ("tls-handshake-not-completed", None) in _signs(opening.done(), _idle_for_long())
