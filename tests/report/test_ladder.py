"""One connection from top to bottom."""

from __future__ import annotations

from plainwire.model import CloseEvent, StreamEvent
from plainwire.report.ladder import ladder
from plainwire.report.style import Style
from tests.diagnose.wire import SERVER, Wire
from tests.report.samples import failing


def test_each_step_has_its_time_its_direction_and_its_packet() -> None:
    lines = ladder(failing("/object"), Style()).splitlines()
    asked = next(line for line in lines if "11: GET /object" in line)
    assert asked.startswith("22:13:20.5")
    assert ">|" in asked
    assert asked.endswith("102")
    reset = next(line for line in lines if " rst " in line)
    assert "|<" in reset
    assert reset.endswith("103")
    assert any("of silence" in line for line in lines)


def test_nothing_from_the_wire_reaches_the_terminal_unescaped() -> None:
    text = ladder(failing(), Style())
    assert "hunter2" not in text
    assert all(line.isprintable() for line in text.splitlines())


def test_quics_close_is_one_line_and_what_a_reset_stream_was_told_is_whole() -> None:
    connection = failing("/object")
    at = connection.last_ns
    reset = StreamEvent("reset_stream", SERVER, at, 104, 12, 0x10B, "H3_REQUEST_REJECTED")
    told = StreamEvent("connection_close", SERVER, at, 105, None, 0x100, "H3_NO_ERROR")
    connection.events += [reset, told]
    close = CloseEvent("connection_close", SERVER, at, 105, 7, None, detail="H3_NO_ERROR")
    connection.closes.append(close)
    lines = ladder(connection, Style(color=True)).splitlines()
    (closed,) = (line for line in lines if "connection_close" in line)
    assert not closed.startswith("\x1b")
    assert any("reset_stream 12: H3_REQUEST_REJECTED" in line for line in lines)


def test_of_a_long_connection_the_beginning_and_the_end_are_shown() -> None:
    wire = Wire()
    for number in range(400):
        wire.ok(200 * number)
    wire.close(SERVER, "fin", 90_000)
    lines = ladder(wire.done(), Style()).splitlines()
    assert any("more ..." in line for line in lines)
    assert " fin " in lines[-1]
