"""Secrets that lie in the memory of a running program."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from plainwire.acquire.memory_scan import FoundSecret, MemoryScan, SealedRecord
from tests.tls.test_joining import sealed

HOLDER = """
import sys
held = [bytes.fromhex(line) for line in sys.stdin.readline().split()]
print('ready', flush=True)
sys.stdin.readline()
"""


def found_in(secrets: list[bytes], records: list[SealedRecord]) -> set[FoundSecret]:
    """What a scan finds in a program that holds ``secrets``."""
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=-1, stdout=-1, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(" ".join(secret.hex() for secret in secrets) + "\n")
        program.stdin.flush()
        assert program.stdout.readline() == "ready\n"
        scan = MemoryScan(program.pid, records)
        while (found := scan.found()) is None:
            time.sleep(0.02)
        program.kill()
    return set(found)


@pytest.mark.parametrize("suite", [0x1301, 0x1302, 0x1303])
def test_secrets_of_both_sides(suite: int) -> None:
    secrets = [os.urandom(48 if suite == 0x1302 else 32) for _ in range(2)]
    made = [sealed(suite, secret, number, b"hello") for number, secret in enumerate(secrets)]
    records = [SealedRecord(stream, made[stream][:5], made[stream][5:]) for stream in range(2)]
    assert found_in(secrets, records) == {
        FoundSecret(stream, suite, secret) for stream, secret in enumerate(secrets)
    }


def test_nothing_where_it_is_not_there() -> None:
    record = sealed(0x1302, os.urandom(48), 3, b"hello")
    assert found_in([os.urandom(48)], [SealedRecord(0, record[:5], record[5:])]) == set()


def test_secrets_are_not_shown() -> None:
    assert "aa" not in repr(FoundSecret(1, 0x1301, b"\xaa" * 32))
