"""Two senders on one side, after a fork: their records bear the same numbers."""

from __future__ import annotations

import copy
import os
import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.tls.numbering import FEW_TRIES, MOST_NUMBERS, MOST_TRIES, RecordNumbers
from tests.tls.crafted import HANDSHAKE, KEY_UPDATE, Crafted, message
from tests.tls.live import CLIENT, SERVER, Live, Piece, contexts, cut, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.tls.session import Reuse

OPENSSL = [
    (ssl.TLSVersion.TLSv1_3, ""),
    (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA"),
]


def in_a_child(made: Callable[[], bytes]) -> bytes:
    """What ``made`` gives in a process that was forked from this one: OpenSSL's state is really copied."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, made())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    try:
        return os.read(reader, 1 << 16)
    finally:
        os.close(reader)


def of_a_child(live: Live, text: bytes) -> bytes:
    """The record with ``text`` that another process writes."""

    def write() -> bytes:
        live.ends[CLIENT].write(text)
        return live.outgoing[CLIENT].read()

    return in_a_child(write)


def greeted(version: ssl.TLSVersion, ciphers: str) -> Live:
    live = Live(*contexts(version, ciphers=ciphers))
    live.say(CLIENT, b"before")
    live.say(SERVER, b"answer")
    return live


@pytest.mark.parametrize(("version", "ciphers"), OPENSSL)
def test_what_a_forked_process_writes_bears_a_number_that_its_parent_used(
    version: ssl.TLSVersion, ciphers: str
) -> None:
    live = greeted(version, ciphers)
    child = of_a_child(live, b"of the child")
    live.say(CLIENT, b"of the parent")
    reading = read([*live.wire, (CLIENT, child)], live.key_log)
    live.incoming[SERVER].write(child)
    with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac"):
        live.ends[SERVER].read(99)  # OpenSSL itself cannot authenticate it
    assert reading.runs[CLIENT] == [b"beforeof the parentof the child"]
    assert reading.reasons == []
    (reuse,) = reading.session.reuses
    assert (reuse.side, reuse.copied) == (CLIENT, False)
    assert [(reuse.first, reuse.start)] == [(r[0], c[0]) for r, c in [reading.records[CLIENT][-2:]]]


@pytest.mark.parametrize(("version", "ciphers"), OPENSSL)
def test_the_same_record_again_shows_no_second_sender(version: ssl.TLSVersion, ciphers: str) -> None:
    live = greeted(version, ciphers)
    live.say(CLIENT, b"once")
    reading = read([*live.wire, live.wire[-1]], live.key_log)
    assert [reuse.copied for reuse in reading.session.reuses] == [True]
    assert reading.texts[CLIENT] == b"beforeonce"


def test_equal_texts_of_two_processes_cannot_be_told_from_a_copy_without_a_random_vector() -> None:
    """An AEAD seals equal texts with equal numbers equally; CBC draws a vector for each record."""
    copied = []
    for version, ciphers in OPENSSL:
        live = greeted(version, ciphers)
        child = of_a_child(live, b"equal")
        live.say(CLIENT, b"equal")
        reading = read([*live.wire, (CLIENT, child)], live.key_log)
        copied += [reuse.copied for reuse in reading.session.reuses]
    assert copied == [True, True, True, False]


def test_the_close_notify_of_a_child_that_ends() -> None:
    live = greeted(*OPENSSL[0])

    def close() -> bytes:
        live.close(CLIENT)
        return live.wire[-1][1]

    ending = in_a_child(close)
    before = list(live.wire)
    live.say(CLIENT, b"of the parent")
    reading = read([*before, (CLIENT, ending), live.wire[-1]], live.key_log)
    assert [alert.description for alert in reading.alerts] == [0]
    assert [(r.first, r.copied) for r in reading.session.reuses] == [(reading.alerts[0].start, False)]


@pytest.mark.parametrize(("version", "ciphers"), OPENSSL)
def test_a_record_that_was_counted_and_never_sent(version: ssl.TLSVersion, ciphers: str) -> None:
    """Go's server behind a write deadline: its receiver cannot read what comes next, an observer can."""
    live = greeted(version, ciphers)
    live.say(SERVER, b"kept back")
    live.say(SERVER, b"and after")
    reading = read([*live.wire[:-2], live.wire[-1]], live.key_log)
    assert reading.runs[SERVER] == [b"answerand after"]
    assert reading.reasons == []
    assert reading.session.info.numbers_skipped == [0, 1]


@pytest.mark.parametrize(("version", "ciphers"), OPENSSL)
def test_a_damaged_record_is_no_second_sender(version: ssl.TLSVersion, ciphers: str) -> None:
    live = greeted(version, ciphers)
    live.say(CLIENT, b"damaged")
    *before, (_, record) = live.wire
    reading = read([*before, (CLIENT, record[:-1] + bytes([record[-1] ^ 1]))], live.key_log)
    assert reading.session.reuses == []


def opened(crafted: Crafted) -> list[Piece]:
    return [
        (CLIENT, crafted.client_hello()),
        (SERVER, crafted.server_flight()),
        (CLIENT, crafted.client_finished()),
    ]


@given(st.lists(st.booleans(), max_size=24), st.integers(0, 3), st.integers(1, 200))
def test_whoever_writes_when_all_is_read_and_each_second_number_noted(
    turns: list[bool], before: int, size: int
) -> None:
    crafted = Crafted()
    wire = opened(crafted)
    wire += [(CLIENT, crafted.client.seal(b"%d;" % number)) for number in range(before)]
    senders = crafted.client, copy.copy(crafted.client)
    expected, texts, used = [], [b"%d;" % number for number in range(before)], before
    for place, second in enumerate(turns):
        sender = senders[second]
        if sender.sequence < used:
            expected.append(sender.sequence)
        used = max(used, sender.sequence + 1)
        texts.append(b"%d of %d;" % (place, second))
        wire.append((CLIENT, sender.seal(texts[-1])))
    reading = read(cut(wire, size), crafted.key_log())
    assert [(reuse.number, reuse.copied) for reuse in reading.session.reuses] == [
        (number, False) for number in expected
    ]
    assert reading.texts[CLIENT] == b"".join(texts)
    assert reading.reasons == []


def reuses_of(wire: list[Piece], crafted: Crafted) -> list[Reuse]:
    return read(wire, crafted.key_log()).session.reuses


def test_a_sender_that_is_too_far_behind_is_not_looked_for() -> None:
    crafted = Crafted()
    wire, other = opened(crafted), copy.copy(crafted.client)
    wire += [(CLIENT, crafted.client.seal(b"%d" % number)) for number in range(MOST_NUMBERS)]
    assert len(reuses_of([*wire, (CLIENT, copy.copy(other).seal(b"other"))], crafted)) == 1
    wire.append((CLIENT, crafted.client.seal(b"one more")))
    assert reuses_of([*wire, (CLIENT, other.seal(b"other"))], crafted) == []


def test_numbers_begin_anew_with_other_keys() -> None:
    crafted = Crafted()
    wire = opened(crafted)
    wire += [(CLIENT, crafted.client.seal(b"%d" % number)) for number in range(3)]
    old = copy.copy(crafted.client)
    wire.append((CLIENT, crafted.client.seal(message(KEY_UPDATE, b"\0"), HANDSHAKE)))
    updated = crafted.client.updated()
    wire += [(CLIENT, updated.seal(b"%d" % number)) for number in range(2)]
    assert reuses_of(wire, crafted) == []
    assert reuses_of([*wire, (CLIENT, old.seal(b"under the keys of before"))], crafted) == []


class Counting:
    """A cipher that opens nothing, and counts how often it is asked."""

    def __init__(self) -> None:
        self.sequence = 40
        self.asked: list[int] = []

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:  # noqa: ARG002
        self.asked.append(self.sequence)
        return None


@pytest.mark.parametrize(("slow", "most"), [(False, MOST_TRIES), (True, FEW_TRIES)])
def test_the_work_is_bounded_and_the_cipher_left_as_it_was(slow: bool, most: int) -> None:  # noqa: FBT001
    cipher, numbers = Counting(), RecordNumbers()
    for start in range(0, 40_000, 1000):
        numbers.note(cipher, start, bytes(40))
    for _ in range(200):
        assert numbers.find(cipher, 23, b"\3\3", bytes(40), slow=slow) is None
    assert len(cipher.asked) == most
    assert cipher.sequence == 40
