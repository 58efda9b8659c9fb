"""Key logs as programs write them, with the junk that comes along."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plainwire.tls.keylog import MASTER_SECRET, KeyLog

RANDOM, MASTER, TRAFFIC = bytes(32), b"\1" * 48, b"\2" * 32
LINE = f"CLIENT_RANDOM {RANDOM.hex()} {MASTER.hex()}".encode()


def test_lines_of_each_form() -> None:
    keys = KeyLog()
    keys.add(b"# comment\r\n\r\n" + LINE.upper() + b"\r\n")
    keys.add(f"SERVER_TRAFFIC_SECRET_0 {RANDOM.hex()} {TRAFFIC.hex()}\n".encode())
    keys.add(f"RSA Session-ID:0a0b Master-Key:{MASTER.hex()}".encode())
    assert keys.secret(MASTER_SECRET, RANDOM) == MASTER
    assert keys.secret("SERVER_TRAFFIC_SECRET_0", RANDOM) == TRAFFIC
    assert keys.master_secrets(b"\3" * 32, b"\x0a\x0b") == [MASTER]
    assert (keys.lines, keys.bad_lines) == (3, 0)


def test_a_junk_line_costs_no_good_one() -> None:
    junk = [
        b"\xff\xfe\x00 not text",
        b"CLIENT_RANDOM 00 00",
        LINE[:-2],
        LINE + b"00",
        LINE.replace(b"CLIENT_RANDOM", b"CLIENT_RANDOM_"),
        LINE.replace(b" 00", b" 0x"),
        f"CLIENT_TRAFFIC_SECRET_0 {RANDOM.hex()} {'0' * 65}".encode(),
        b"RSA Session-ID:0a Master-Key:00",
        b"CLIENT_RANDOM " + LINE,
    ]
    keys = KeyLog()
    keys.add(b"\n".join([*junk, LINE, *junk]))
    assert keys.secret(MASTER_SECRET, RANDOM) == MASTER
    assert (keys.lines, keys.bad_lines) == (1, 2 * len(junk))


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_bytes_are_lines_good_or_bad(pieces: list[bytes]) -> None:
    keys = KeyLog()
    for piece in pieces:
        keys.add(piece)
    keys.add(LINE)
    assert keys.secret(MASTER_SECRET, RANDOM) == MASTER


def test_no_secret_in_its_repr() -> None:
    keys = KeyLog()
    keys.add(LINE)
    assert MASTER.hex() not in repr(keys)
    assert repr(MASTER) not in repr(keys)
