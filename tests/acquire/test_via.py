"""What ``--via`` may say."""

from __future__ import annotations

import pytest

from plainwire.acquire.via import Via, chosen
from plainwire.model import UserError


def test_what_is_not_forced_is_left_to_what_is_there() -> None:
    assert chosen([]) == Via()
    assert Via().words is None
    assert Via().allows("patch")


def test_one_of_each_kind_may_be_forced() -> None:
    via = chosen(["patch", "sockets"])
    assert via == Via("sockets", "patch")
    assert (via.allows("patch"), via.allows("preload")) == (True, False)
    assert via.words == "Asked for by --via: sockets and patch, and nothing else was tried."


def test_two_of_one_kind_are_refused() -> None:
    with pytest.raises(UserError, match="--via: preload or patch, not both"):
        chosen(["preload", "patch"])
