"""What tells HTTP from other protocols by the first bytes."""

from __future__ import annotations

import pytest

from plainwire.http.http1_recognise import is_cut_request


@pytest.mark.parametrize(
    "line", [b"GET", b"POS", b"GET /", b"GET /index.ht", b"PROPFIND /a", b"CONNECT a.example:4", b"OPTIONS *"]
)
def test_a_request_line_that_was_cut_is_known(line: bytes) -> None:
    assert is_cut_request(line)


@pytest.mark.parametrize(
    "line", [b"AAAABBBB", b"ZZZZ", b"G", b"SSH-", b"QUIT", b"GETTING", b"EHLO mail.example", b""]
)
def test_a_word_that_is_no_method_is_not_taken_for_a_request(line: bytes) -> None:
    assert not is_cut_request(line)
