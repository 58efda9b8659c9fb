"""Negotiations: any bytes have an outcome, more bytes never take one back, and ends lie inside the bytes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plainwire.model.connection import UNANSWERED
from plainwire.tunnels import Done, Failed, proxy_protocol, socks, starttls

NEGOTIATIONS = [proxy_protocol.negotiate, socks.negotiate, starttls.negotiate]
SPOKEN = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [
                b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
                proxy_protocol.BINARY,
                b"\x21\x11\0\x0c",
                b"\5\1\0",
                b"\5\0",
                b"\5\1\0\1\1\2\3\4\0\x50",
                b"\4\1\0\x50\1\2\3\4me\0",
                b"\0\x5a" + bytes(6),
                b"STARTTLS\r\n",
                b"\x16\3\1\0\5\1",
                b"\x16\3\3\0\5\2",
                b"220 x\r\n",
            ]
        ),
        max_size=8,
    ).map(b"".join),
)


@pytest.mark.parametrize("negotiate", NEGOTIATIONS)
@given(client=SPOKEN, server=SPOKEN, data=st.data())
def test_any_bytes_have_an_outcome_that_more_bytes_do_not_change(
    negotiate: object, client: bytes, server: bytes, data: st.DataObject
) -> None:
    assert callable(negotiate)
    whole = negotiate(client, server)
    early = negotiate(client[: data.draw(st.integers(0, len(client)))], server)
    if isinstance(whole, Done):
        assert 0 <= whole.client <= len(client)
        assert 0 <= whole.server <= len(server)
    if isinstance(early, Done) and negotiate is not starttls.negotiate:
        assert whole == early


OF_4 = st.binary(max_size=12).map(lambda data: b"\4\1" + data + b"me\0")
ANSWERS = st.binary(max_size=12).map(lambda data: b"\0\x5b" + data)


@example(client=b"\4\1\0\x50\xc0\0\2\1me\0", server=b"\0\x5b", early=(11, 1))
@example(client=b"\5\1\0\0", server=b"\5\0", early=(3, 2))
@given(
    client=st.one_of(SPOKEN, st.binary(min_size=1, max_size=20).map(lambda data: b"\5" + data), OF_4),
    server=st.one_of(SPOKEN, st.binary(min_size=1, max_size=20).map(lambda data: b"\5" + data), ANSWERS),
    early=st.tuples(st.integers(1, 250), st.integers(0, 250)),
)
def test_what_was_told_from_the_first_bytes_stays_so(
    client: bytes, server: bytes, early: tuple[int, int]
) -> None:
    told = socks.begins(client[: early[0]], server[: early[1]])
    assert told is None or not client or told == socks.begins(client, server)


@pytest.mark.parametrize(
    ("client", "server"),
    [
        (b"\5\x64\x14\xc4\1\0", b"\5\x64\x0a\x44"),
        (b"\5\1\0", b"220 ready\r\n"),
        (b"\5\1\0\7", b""),
        (b"\4\1\0\3\5\0\0\0\0", b"\x84\1\0\3\6"),  # Cassandra, compressed
        (b"\4\1\0\3\5\0\0\0\7\x80\0", b""),
        (b"\4\1\0\x50\xc0\0\2\1\0", b"\0\1"),
        (b"GET", b""),
    ],
)
def test_other_protocols_that_begin_alike_are_no_socks(client: bytes, server: bytes) -> None:
    assert socks.begins(client, server) is False


def test_a_request_of_socks_4_and_its_refusal_are_known() -> None:
    assert socks.begins(b"\4\1\0\x50\xc0\0\2\1me\0", b"\0\x5b\0\0\0\0\0\0") is True


@pytest.mark.parametrize(
    ("client", "server", "kind"),
    [
        (b"\5\2\0\2", b"", "SOCKS 5"),
        (b"\5\1\0", b"\5", "SOCKS 5"),
        (b"\5\1\0\5\1\0\1\1\2\3\4\0\x50", b"\5\0", "SOCKS 5"),
        (b"\4\1\0\x50\1\2\3\4me\0", b"", "SOCKS 4"),
        (b"\4\1\0\x50\0\0\0\1me\0a.test\0", b"", "SOCKS 4"),
        (b"\5\2\0", b"", None),
        (b"\5\1\xee", b"", None),
        (b"\5\1\0\0", b"", None),
        (b"\5\0", b"", None),
        (b"\4\1\0\0\5\0\0\0\0", b"", None),
        (b"\4\1\0\x50\1\2\3\4me", b"", None),
        (b"", b"", None),
    ],
)
def test_a_proxy_that_did_not_answer_is_told_by_a_whole_greeting(
    client: bytes, server: bytes, kind: str | None
) -> None:
    """Cassandra's requests without a body begin as those of SOCKS 4."""
    outcome = socks.unanswered(client, server)
    assert outcome == (None if kind is None else Failed(kind, UNANSWERED))
