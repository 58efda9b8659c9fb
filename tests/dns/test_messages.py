"""DNS messages, by RFC 1035."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plainwire.dns.messages import AAAA, A, Message, parse

QUESTION = b"\x03www\x07Example\x03com\0"
NAME = "www.example.com"


def message(flags: int, rest: bytes, answers: int = 0, questions: int = 1) -> bytes:
    return struct.pack("!HHHHHH", 7, flags, questions, answers, 0, 0) + rest


def record(name: bytes, kind: int, data: bytes) -> bytes:
    return name + struct.pack("!HHIH", kind, 1, 300, len(data)) + data


def test_a_question() -> None:
    found = parse(message(0x0100, QUESTION + b"\0\x01\0\x01"))
    assert found == Message(
        7, response=False, name=NAME, type=A, code="NOERROR", truncated=False, addresses=()
    )


def test_an_answer_by_way_of_an_alias() -> None:
    """The second name is a pointer (RFC 1035 section 4.1.4) to "example.com" in the question."""
    alias = record(b"\xc0\x0c", 5, b"\x04edge\xc0\x10")
    addresses = record(b"\xc0\x2d", 1, bytes((192, 0, 2, 1))) + record(b"\xc0\x2d", 1, bytes((192, 0, 2, 2)))
    found = parse(message(0x8180, QUESTION + b"\0\x01\0\x01" + alias + addresses, answers=3))
    assert found is not None
    assert (found.response, found.name, found.addresses) == (True, NAME, ("192.0.2.1", "192.0.2.2"))


def test_an_address_of_version_6() -> None:
    data = QUESTION + b"\0\x1c\0\x01" + record(b"\xc0\x0c", 28, bytes.fromhex("20010db8" + 11 * "00" + "07"))
    found = parse(message(0x8180, data, answers=1))
    assert found is not None
    assert (found.type, found.addresses) == (AAAA, ("2001:db8::7",))


@pytest.mark.parametrize(("code", "name"), [(0, "NOERROR"), (2, "SERVFAIL"), (3, "NXDOMAIN"), (9, "9")])
def test_codes(code: int, name: str) -> None:
    found = parse(message(0x8180 | code, QUESTION + b"\0\x01\0\x01"))
    assert found is not None
    assert found.code == name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        message(0, QUESTION + b"\0\x01\0\x01", questions=2),
        message(0x2800, QUESTION + b"\0\x01\0\x01"),  # an update (RFC 2136)
        message(0, QUESTION + b"\0\x01\0\x03"),  # CHAOS
        message(0, b"\xc0\x0c\0\x01\0\x01"),  # a pointer to itself
        message(0, b"\xc0\xff\0\x01\0\x01"),  # and one ahead
        message(0, b"\x40" + bytes(70)),
    ],
)
def test_what_is_no_such_message(data: bytes) -> None:
    assert parse(data) is None


def test_nothing_in_a_name_reaches_a_terminal() -> None:
    found = parse(message(0, b"\x05\x1b[31m\x02\xc3\xa4\0\0\x01\0\x01"))
    assert found is not None
    assert found.name == r"\027[31m.\195\164"


@given(st.binary(max_size=80), st.integers(0, 70))
@example(message(0x8180, QUESTION + b"\0\x01\0\x01", answers=65535), 0)
def test_any_bytes_are_answered_and_bounded(data: bytes, cut: int) -> None:
    whole = message(0x8180, QUESTION + b"\0\x01\0\x01" + data, answers=200)
    for each in (data, whole[:cut], whole):
        found = parse(each)
        assert found is None or (len(found.name) <= 4 * 255 and len(found.addresses) <= 64)
