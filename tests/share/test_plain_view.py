"""Offsets of a TLS stream, and where they lead in its plain text."""

from __future__ import annotations

from plainwire.share.plain_view import PlainView

VIEW = PlainView(b"CONNECT" + bytes(200), 7, [(20, 51, b"first" * 2), (60, 82, b"end")])
"""7 bytes in clear, then records of 31 and 22 bytes among others."""


def test_the_text_is_what_was_in_clear_and_in_records() -> None:
    assert VIEW.text == b"CONNECTfirstfirstend"


def test_offsets_go_through_head_text_and_tag() -> None:
    assert [VIEW.offset(at) for at in (0, 6, 7, 19)] == [0, 6, 7, 7]
    assert [VIEW.offset(at) for at in (20, 25, 26, 34, 35, 50, 51, 59)] == [7, 7, 8, 16, 17, 17, 17, 17]
    assert [VIEW.offset(at) for at in (60, 65, 68, 90, 1000)] == [17, 17, 20, 20, 20]
    assert VIEW.offset(-3) == -3


def test_without_tls_nothing_moves() -> None:
    view = PlainView(b"GET /", None, [])
    assert view.text == b"GET /"
    assert [view.offset(at) for at in range(6)] == [0, 1, 2, 3, 4, 5]
