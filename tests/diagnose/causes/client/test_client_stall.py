"""The client stopped reading."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


@pytest.mark.parametrize(
    ("windows", "code"),
    [
        ((500, 0, 0), "client-stall"),
        ((0, 0, 500), "response-truncated"),
        ((500, 500, 0), "response-truncated"),
    ],
)
def test_only_a_window_that_was_shut_to_the_end_is_the_client_s(windows: tuple[int, ...], code: str) -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, complete=False)
    for at, window in zip((100, 5_000, 29_900), windows, strict=True):
        wire.ack(CLIENT, at)
        wire.rows[-1].window = window
    wire.close(SERVER, "fin", 30_000)
    finding = only(diagnose([wire.done("truncated")]))
    assert finding.code == code
    assert finding.fault == ("client" if code == "client-stall" else "server")


@pytest.mark.parametrize(("window", "code"), [(0, "client-stall"), (500, "stream-idle-timeout")])
def test_a_server_that_may_not_send_keeps_silent_for_the_client(window: int, code: str) -> None:
    """Seen in the lab: it gives up after its own time limit, which is a round time."""
    wire = Wire()
    wire.ask(0)
    wire.answer(80, complete=False)
    wire.ack(CLIENT, 100)
    wire.rows[-1].window = window
    wire.close(SERVER, "rst", 60_085)
    finding = only(diagnose([wire.done("truncated")]))
    assert finding.code == code
    assert finding.fault == ("client" if code == "client-stall" else "server")


@pytest.mark.parametrize(
    ("windows", "code"), [((500, 0, 0), "client-stall"), ((500, 500, 500), "client-timeout-too-short")]
)
def test_a_client_that_hangs_up_on_a_response_that_it_did_not_let_in(
    windows: tuple[int, ...], code: str
) -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, complete=False)
    for at, window in zip((100, 1_100, 3_900), windows, strict=True):
        wire.ack(CLIENT, at)
        wire.rows[-1].window = window
    wire.close(CLIENT, "rst", 4_000)
    finding = only(diagnose([wire.done("aborted")]))
    assert finding.code == code
    assert ("window was zero" in finding.claim) == (code == "client-stall")
