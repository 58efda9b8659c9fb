"""What is normal is not accused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Side
from tests.diagnose.causes.http2.multiplexed import Multiplexed
from tests.diagnose.wire import CLIENT, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import CloseKind


from plainwire.model import CloseKind

KINDS: tuple[CloseKind, ...] = ("close_notify", "fin", "rst")


def test_the_client_s_reset_after_a_complete_response() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "rst", 81)
    assert diagnose([wire.done()]) == []


def test_an_idle_close_that_met_no_request() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "close_notify", 1080)
    wire.close(SERVER, "fin", 1080)
    wire.close(CLIENT, "fin", 1081)
    assert diagnose([wire.done()]) == []


def test_a_fin_without_close_notify_after_complete_exchanges() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "fin", 1080)
    assert diagnose([wire.done()]) == []


def test_a_connection_that_carried_nothing() -> None:
    wire = Wire()
    wire.close(SERVER, "fin", 1000)
    assert diagnose([wire.done()]) == []


@st.composite
def healthy(draw: st.DrawFn) -> Connection:
    """Any number of complete exchanges, and any close after them."""
    wire = Wire(rtt=draw(st.floats(0.01, 300)), tls=draw(st.booleans()))
    at = 0.0
    for _ in range(draw(st.integers(0, 5))):
        wire.ok(at, draw(st.sampled_from(["/", "/a"])))
        at += wire.rtt + draw(st.floats(0.001, 2000))
    announced: bool = draw(st.booleans())
    if announced:
        wire.ok(at, close=True)
        at += wire.rtt + 1
    for _ in range(draw(st.integers(0, 3))):
        side, kind = draw(st.sampled_from(list(Side))), draw(st.sampled_from(KINDS))
        wire.close(side, kind, at, bare=kind == "rst" and draw(st.booleans()))
        at += draw(st.floats(0, 100))
    return wire.done()


@given(st.lists(healthy(), max_size=4))
def test_no_finding_where_every_exchange_is_complete(connections: list[Connection]) -> None:
    assert diagnose(connections) == []


def test_what_is_whole_pushed_or_still_open_needs_no_explanation() -> None:
    scene = Multiplexed()
    scene.failed.outcome = "unseen"
    assert diagnose([scene.connection()]) == []
    scene = Multiplexed().reset(CLIENT, "CANCEL", "aborted")
    scene.failed.pushed = True
    assert diagnose([scene.connection()]) == []
    scene = Multiplexed()
    scene.failed.outcome = "complete"
    assert diagnose([scene.close(SERVER, "rst").connection()]) == []
