"""Key logs as programs write them, with the junk that comes along."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire import kernel
from plainwire.tls import keylog
from plainwire.tls.keylog import MASTER_SECRET, TLS13_LABELS, KeyLog
from tests.needs import needs_kernel

RANDOM, MASTER, TRAFFIC = bytes(32), b"\1" * 48, b"\2" * 32
LINE = f"CLIENT_RANDOM {RANDOM.hex()} {MASTER.hex()}".encode()


def test_lines_of_each_form() -> None:
    keys = KeyLog()
    keys.add(b"# comment\r\n\r\n" + LINE.upper() + b"\r\n")
    keys.add(f"SERVER_TRAFFIC_SECRET_0 {RANDOM.hex()} {TRAFFIC.hex()}\n".encode())
    keys.add(f"RSA Session-ID:0a0b Master-Key:{MASTER.hex()}".encode())
    assert keys.secrets(MASTER_SECRET, RANDOM) == [MASTER]
    assert keys.secrets("SERVER_TRAFFIC_SECRET_0", RANDOM) == [TRAFFIC]
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
    assert keys.secrets(MASTER_SECRET, RANDOM) == [MASTER]
    assert (keys.lines, keys.bad_lines) == (1, 2 * len(junk))


def line(label: str, secret: bytes) -> bytes:
    return f"{label} {RANDOM.hex()} {secret.hex()}\n".encode()


@pytest.mark.parametrize("label", sorted(TLS13_LABELS))
@pytest.mark.parametrize("before", ["", "QUIC_"])
def test_each_label_of_tls_1_3(label: str, before: str) -> None:
    keys = KeyLog()
    keys.add(line(before + label, TRAFFIC))
    assert keys.secrets(label, RANDOM) == [TRAFFIC]
    assert (keys.has(RANDOM), keys.lines, keys.bad_lines) == (True, 1, 0)


def test_lines_that_say_the_same_thing_differently_are_kept_the_last_one_first() -> None:
    keys = KeyLog()
    for secret in (b"\1" * 48, b"\2" * 48, b"\1" * 48):
        keys.add(line("CLIENT_RANDOM", secret))
    assert keys.secrets(MASTER_SECRET, RANDOM) == [b"\1" * 48, b"\2" * 48]


def test_secrets_for_one_client_random_are_bounded() -> None:
    keys = KeyLog()
    for number in range(100):
        keys.add(line("CLIENT_RANDOM", bytes([number]) * 48))
    assert [secret[0] for secret in keys.secrets(MASTER_SECRET, RANDOM)] == list(range(99, 91, -1))


def test_premasters_by_client_random_and_by_what_rsa_made_of_them() -> None:
    keys = KeyLog()
    keys.add(line("PMS_CLIENT_RANDOM", b"short") + f"RSA 0011223344556677 {MASTER.hex()}".encode())
    encrypted = bytes.fromhex("0011223344556677") + bytes(248)
    assert keys.premasters(RANDOM, encrypted) == [b"short", MASTER]
    assert keys.premasters(RANDOM, b"") == [b"short"]
    assert keys.premasters(b"?" * 32, b"") == []
    assert (keys.lines, keys.bad_lines) == (2, 0)


def test_labels_that_open_no_records_are_no_bad_lines() -> None:
    keys = KeyLog()
    keys.add(line("ECH_SECRET", TRAFFIC) + line("ECH_CONFIG", b"config" * 30))
    assert keys.secrets("ECH_SECRET", RANDOM) == [TRAFFIC]
    keys.add(line("CLIENT_TRAFFIC_SECRET_1", TRAFFIC) + line("A_LABEL_TO_COME", b"anything"))
    keys.add(line("EXPORTER_SECRET", TRAFFIC) + line("EARLY_EXPORTER_SECRET", TRAFFIC))
    assert (keys.lines, keys.bad_lines, keys.has(RANDOM)) == (6, 0, False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\t \n\n"])
def test_however_a_file_was_saved(encoding: str, end: str) -> None:
    first = f"SERVER_TRAFFIC_SECRET_0  {RANDOM.hex()}\t{TRAFFIC.hex()}"
    keys = KeyLog()
    keys.add(f"{first}{end}# a comment{end}{LINE.decode()}{end}".encode(encoding))
    assert keys.secrets("SERVER_TRAFFIC_SECRET_0", RANDOM) == [TRAFFIC]
    assert keys.secrets(MASTER_SECRET, RANDOM) == [MASTER]
    assert (keys.lines, keys.bad_lines) == (2, 0)


@given(st.integers(0, len(LINE)), st.integers(0, len(LINE)), st.binary(max_size=9))
def test_a_line_cut_anywhere_gives_no_other_secret(begin: int, end: int, junk: bytes) -> None:
    keys = KeyLog()
    keys.add(LINE[begin:end] + junk)
    assert keys.secrets(MASTER_SECRET, RANDOM) in ([], [MASTER])


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_bytes_are_lines_good_or_bad(pieces: list[bytes]) -> None:
    keys = KeyLog()
    for piece in pieces:
        keys.add(piece)
    keys.add(LINE)
    assert keys.secrets(MASTER_SECRET, RANDOM) == [MASTER]


def test_no_secret_in_its_repr() -> None:
    keys = KeyLog()
    keys.add(LINE)
    assert MASTER.hex() not in repr(keys)
    assert repr(MASTER) not in repr(keys)


_LABELS = [*sorted(TLS13_LABELS), MASTER_SECRET, "EXPORTER_SECRET", "QUIC_SERVER_TRAFFIC_SECRET_0"]
_WORDS = (
    st.sampled_from([*_LABELS, *_LABELS, "ECH_SECRET", "RSA", "#", "", "x", "A_", "PMS_CLIENT_RANDOM"]),
    st.sampled_from(["ab" * 32, "AB" * 32, "cd" * 32, "ab" * 31, "zz" * 32, ""]),
    st.sampled_from(["11" * 32, "11" * 48, "22" * 48, "11" * 33, "1", "33" * 65, "11" * 32 + " ", "1g" * 32]),
)
_LINES = st.tuples(
    st.tuples(*_WORDS).map(" ".join), st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n"])
)


@given(st.lists(_LINES, max_size=12), st.sampled_from(["", "keys.log"]), st.sampled_from([1, 3, 4_000_000]))
def test_runs_of_plain_lines_are_taken_as_one_by_one(
    lines: list[tuple[str, str]], file: str, most: int
) -> None:
    needs_kernel()
    text = "".join(map("".join, lines)).encode()
    found = []
    for by_kernel in (False, True):
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(keylog, "_SHORT", 0)
            monkeypatch.setattr(keylog, "_MOST_SECRETS", most)
            if not by_kernel:
                monkeypatch.setattr(kernel, "compiled", None)
            keys = KeyLog()
            keys.begin(file or None)
            keys.add(text)
        found.append((keys._by_label, keys.lines, keys.bad_lines, keys.files))
    assert found[0] == found[1]
