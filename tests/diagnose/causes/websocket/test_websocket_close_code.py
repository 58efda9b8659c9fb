"""A WebSocket that was closed with a code of trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import CAUSES, diagnose
from tests.diagnose.wire import CLIENT, SERVER, only

from .sockets import Socket

if TYPE_CHECKING:
    from plainwire.model import Side


@pytest.mark.parametrize(
    ("code", "side", "fault"),
    [
        (1002, SERVER, "unknown"),
        (1007, SERVER, "client"),
        (1007, CLIENT, "server"),
        (1008, SERVER, "unknown"),
        (1009, CLIENT, "both"),
        (1011, SERVER, "server"),
        (1011, CLIENT, "client"),
        (1013, SERVER, "server"),
        (4401, SERVER, "unknown"),
    ],
)
def test_the_first_close_frame_says_why_and_its_code_whom_it_is_about(
    code: int, side: Side, fault: str
) -> None:
    socket = Socket().message(CLIENT, 200).bye(side, 400, code, "token expired").bye(side.peer, 480, 1000)
    finding = only(diagnose([socket.end(SERVER, "fin", 500)]))
    assert (finding.code, finding.fault, finding.certainty) == (f"websocket-close-{code}", fault, "proved")
    assert [quoted.text for quoted in finding.quotes] == ["token expired"]
    assert "token expired" not in finding.claim
    assert CAUSES[finding.code].meaning


def test_a_message_that_is_too_large_is_measured() -> None:
    socket = Socket().message(CLIENT, 200, size=131_000).bye(SERVER, 280, 1009)
    finding = only(diagnose([socket.end(SERVER, "fin", 290)]))
    assert "The largest message of the client has 131000 bytes" in finding.claim


def test_a_number_that_is_not_registered_is_another() -> None:
    finding = only(diagnose([Socket().bye(SERVER, 280, 2000).end(SERVER, "fin", 290)]))
    assert finding.code == "websocket-close-other"


def test_a_code_that_cannot_be_one_has_no_words() -> None:
    with pytest.raises(KeyError):
        CAUSES["websocket-close-70000"]


@pytest.mark.parametrize(("side", "fault"), [(CLIENT, "server"), (SERVER, "client")])
def test_an_accusation_that_the_frames_bear_out_names_who_broke_the_rule(side: Side, fault: str) -> None:
    connection = Socket().bye(side, 280, 1002).end(SERVER, "fin", 290)
    websocket = connection.exchanges[0].websocket
    assert websocket
    websocket.violations[side.peer] = 1
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault) == ("websocket-close-1002", fault)
    assert "did break a rule" in finding.claim
