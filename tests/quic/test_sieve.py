"""Datagrams that are not worth reading: nothing is lost where the assembler does not see them."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import Endpoint
from plainwire.quic import sieve
from plainwire.quic.quic_assembler import QuicAssembler
from plainwire.tls.keylog import KeyLog
from tests.quic.test_quic_connection import talk
from tests.quic.wire import AWAY, HOME, Columns, Sent

DNS_CLIENT, DNS = Endpoint("192.0.2.1", 40000), Endpoint("192.0.2.53", 53)
STARTS = st.one_of(
    st.binary(max_size=40),
    st.tuples(
        st.integers(0, 255), st.sampled_from([0, 1, 0x6B3343CF, 0xFF00001D, 0x1A2A3A4A]), st.binary()
    ).map(lambda parts: struct.pack(">BI", *parts[:2]) + parts[2]),
    st.tuples(st.binary(min_size=5, max_size=5), st.integers(1180, 1220)).map(lambda p: p[0] + bytes(p[1])),
)
ENDS = st.sampled_from([(HOME, AWAY), (AWAY, HOME), (DNS_CLIENT, DNS)])


@given(st.lists(st.tuples(STARTS, ENDS), min_size=1, max_size=8))
def test_what_is_not_worth_reading_brings_nothing(
    datagrams: list[tuple[bytes, tuple[Endpoint, Endpoint]]],
) -> None:
    batch = Columns().batch([Sent(data, *ends) for data, ends in datagrams])
    assembler = QuicAssembler()
    touched, over = assembler.feed(batch, KeyLog())
    if not sieve.worth_reading(batch):
        assert (touched, over, assembler.opened, assembler.passed_over) == ([], [], 0, {})


def test_connections_and_what_is_left_of_them_are_worth_reading() -> None:
    wire = talk().wire
    assert sieve.worth_reading(Columns().batch(wire[:1]))
    assert sieve.worth_reading(Columns().batch([sent for sent in wire if not sent.data[0] & 0x80]))
    query = Sent(bytes.fromhex("c3f0010000010000000000000377777707657861") + bytes(20), DNS_CLIENT, DNS)
    assert not sieve.worth_reading(Columns().batch([query]))
