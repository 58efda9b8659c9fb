"""Records in a row are opened by the kernel as they are one by one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plainwire import kernel
from plainwire.model import Side
from plainwire.tls.ciphers import Aead13
from plainwire.tls.negotiation import Negotiation
from plainwire.tls.suites import lookup
from plainwire.tls.tls_direction import TlsDirection
from tests.needs import needs_kernel
from tests.tls.crafted import ALERT, APPLICATION, HANDSHAKE, Sealer, record

LARGE = b"x" * 3000
SAID = st.lists(
    st.one_of(
        st.tuples(st.binary(min_size=1, max_size=60), st.just(APPLICATION), st.just(0)),
        st.sampled_from(
            [
                *(
                    (b"", APPLICATION, 0),
                    (b"padded", APPLICATION, 3),
                    (LARGE, APPLICATION, 0),
                    (b"\1\0", ALERT, 0),
                ),
                *((b"ticket", HANDSHAKE, 0), (b"zeros\0\0", APPLICATION, 0)),
            ]
        ),
    ),
    max_size=8,
)


def _cipher(number: int, secret: bytes) -> Aead13:
    suite = lookup(0x0304, number)
    assert suite is not None
    return Aead13(suite, secret)


def _direction(suite: int, sealer: Sealer, wire: bytes, *, alone: bool) -> tuple[list[object], int]:
    """What is taken at once of ``wire``, and the offset that was reached."""
    direction = TlsDirection(Side.SERVER, Negotiation())
    cipher = _cipher(suite, sealer.secret)
    cipher.sequence = sealer.sequence
    if alone:
        cipher.run = None
    direction.cipher, direction.base = cipher, 70
    at = 0
    while (reached := direction._fast(wire, at)) > at:
        at = reached
    told = [direction.plain, cipher.sequence, direction.record, direction.numbers._records[-32:]]
    return told, at


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([0x1301, 0x1302]),
    SAID,
    st.sampled_from([0, 1, 1 << 33]),
    st.integers(0, 400),
    st.sampled_from([b"", b"\0", b"\x17\3\3\0\0", b"\x17\3\3\0\5short", record(ALERT, b"\1\0")]),
)
def test_the_kernel_opens_what_python_does(
    suite: int, said: list[tuple[bytes, int, int]], first: int, damaged: int, behind: bytes
) -> None:
    needs_kernel()
    secret = bytes(48 if suite == 0x1302 else 32)
    sealer = Sealer(suite, secret, first)
    wire = b"".join(sealer.seal(text, kind, padding=padding) for text, kind, padding in said) + behind
    if damaged < len(wire):
        wire = wire[:damaged] + bytes([wire[damaged] ^ 1]) + wire[damaged + 1 :]
    begin = Sealer(suite, secret, first)
    assert _direction(suite, begin, wire, alone=False) == _direction(suite, begin, wire, alone=True)


def test_small_records_are_the_kernels() -> None:
    needs_kernel()
    sealer = Sealer(0x1301, bytes(32))
    wire = b"".join(sealer.seal(text) for text in (b"one", b"two", LARGE, b"three"))
    run = _cipher(0x1301, bytes(32)).run
    assert run is not None
    texts, at, sequence = run.open(wire, 0, 7, 0)
    assert [text[0] for text in texts] == [b"one", b"two"]
    assert (texts[0][1], texts[1][2], sequence) == (7, 7 + at, 2)
    assert run.open(wire, len(wire) + 9, 0, 0) == ([], len(wire) + 9, 0)


def test_keys_of_other_sizes_are_refused_without_showing_them() -> None:
    needs_kernel()
    assert kernel.compiled is not None
    with pytest.raises(ValueError, match=r"^no key of AES-GCM$"):
        kernel.compiled.RecordRun(b"secret", bytes(12))
