"""Families of codes: each registered name has words of its own, for either sender."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import CAUSES
from plainwire.diagnose.causes.handshake.alerts import TLS_ALERT
from plainwire.diagnose.causes.http2.goaway_errors import GOAWAY_ERROR
from plainwire.diagnose.causes.http2.h3_stream_resets import H3_STREAM_RESET
from plainwire.diagnose.causes.http2.stream_resets import H2_STREAM_RESET
from plainwire.http.code_names import H2_ERRORS
from plainwire.model import Side
from plainwire.quic import errors
from plainwire.tls import alerts

if TYPE_CHECKING:
    from plainwire.diagnose.causes.family import Family

NOT_ERRORS = {"close_notify", "user_canceled", "NO_ERROR"}
REGISTERED: dict[str, tuple[Family, set[str]]] = {
    "alerts": (TLS_ALERT, {name for n in range(256) if not (name := alerts.name(n)).startswith("alert ")}),
    "goaway": (GOAWAY_ERROR, set(H2_ERRORS.values())),
    "h2": (H2_STREAM_RESET, set(H2_ERRORS.values()) | {"NO_ERROR"}),
    "h3": (H3_STREAM_RESET, {n for c in range(0x300) if "0x" not in (n := errors.application(c, "h3"))}),
}


@pytest.mark.parametrize("registry", REGISTERED)
def test_every_name_of_the_registry_has_a_code(registry: str) -> None:
    family, names = REGISTERED[registry]
    codes = {name: family.code(name) for name in names}
    without = {name for name, code in codes.items() if code.endswith("-other")}
    assert without <= NOT_ERRORS
    assert set(codes.values()) <= CAUSES.keys()


@pytest.mark.parametrize("registry", REGISTERED)
def test_a_name_that_is_not_registered_has_the_code_other(registry: str) -> None:
    family, _ = REGISTERED[registry]
    assert family.code("0xdead") == f"{family.stem}-other"
    assert CAUSES[family.code("0xdead")].by_server


@pytest.mark.parametrize("registry", REGISTERED)
def test_every_member_has_words_for_both_senders(registry: str) -> None:
    family, _ = REGISTERED[registry]
    for member in (*family.members, family.other):
        assert member.by_server or member.by_client
        for side in Side:
            said = family.said(member.name, side)
            if said is not None:
                assert said.means
                assert said.client.endswith(".")
                assert said.server.endswith(".")


@pytest.mark.parametrize("registry", REGISTERED)
def test_no_two_members_say_the_same(registry: str) -> None:
    """What is advised for one code is not what is advised for another by mistake."""
    family, _ = REGISTERED[registry]
    meanings = Counter(member.by_server.means for member in family.members if member.by_server)
    assert [text for text, count in meanings.items() if count > 1] == []


def test_all_codes_are_in_kebab_case() -> None:
    assert [code for code in CAUSES if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)] == []
