"""What is worth knowing beside a failure, and only there."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.remarked import idle, raced


def test_where_nothing_failed_nothing_is_remarked() -> None:
    assert diagnose([idle(2), idle(3)]) == []


def test_a_failure_comes_before_what_is_only_remarked() -> None:
    found = [f.code for f in diagnose([raced(), idle(2), idle(3), idle(4)])]
    assert found[0] == "keepalive-idle-race"
