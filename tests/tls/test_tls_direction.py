"""Records in a row are opened by the kernel as they are one by one."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plainwire import kernel
from plainwire.model import Gap, Side
from plainwire.tls.ciphers import Aead12, Aead13
from plainwire.tls.negotiation import Negotiation
from plainwire.tls.numbering import RecordNumbers
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
    with pytest.raises(ValueError, match=r"^no key of AES-GCM$"):
        kernel.compiled.RecordRun12(bytes(16), bytes(12))


def _sealed12(key: bytes, number: int, text: bytes, kind: int, version: int = 0x0303) -> bytes:
    """RFC 5288 section 3, with a nonce that is not the number."""
    explicit = (number * 7 + 1).to_bytes(8, "big")
    extra = number.to_bytes(8, "big") + record(kind, bytes(len(text)), version)[:5]
    return record(kind, explicit + AESGCM(key).encrypt(b"salt" + explicit, text, extra), version)


class _Collected:
    """Takes the records that the fast path leaves, as ``TlsSession`` does."""

    def record(
        self, direction: TlsDirection, kind: int, version: bytes, body: memoryview, start: int
    ) -> bool:
        cipher = direction.cipher
        assert cipher is not None
        text = cipher.open(kind, version, body)
        if text is None:
            direction.die()
            return False
        direction.numbers.note(cipher, start, body)
        if text and kind == APPLICATION:
            direction.plain.append((text, start, start + 5 + len(body)))
        return True

    def strange(self, direction: TlsDirection, buffer: bytes, at: int) -> None:
        del buffer, at
        direction.die()

    def missing(self, direction: TlsDirection, gap: Gap) -> None: ...

    def find(self, direction: TlsDirection) -> bool:
        del direction
        return False


def _taken12(key: bytes, wire: bytes, first: int, *, alone: bool) -> tuple[list[object], int]:
    """What comes of ``wire``, and how many records the fast path took."""
    suite = lookup(0x0303, 0x009C if len(key) == 16 else 0x009D)
    assert suite is not None
    cipher = Aead12(suite, key, b"salt")
    cipher.sequence = first
    direction = TlsDirection(Side.SERVER, Negotiation())
    if alone:
        cipher.run = None
    direction.cipher, direction.done = cipher, True
    direction.trusted = direction.negotiation.authenticated = True
    direction.feed(70, wire)
    fast = direction._fast12(wire, 0) if wire else 0
    direction.plain, cipher.sequence, direction.record, direction.numbers = [], first, 0, RecordNumbers()
    direction.step(_Collected(), _Collected())
    told = [direction.plain, cipher.sequence, direction.record, direction.dead, direction.buffer]
    return [*told, direction.numbers._records[-32:]], fast


SAID12 = st.lists(
    st.one_of(
        st.tuples(st.binary(max_size=60), st.just(APPLICATION), st.just(0x0303)),
        st.sampled_from(
            [(LARGE, APPLICATION, 0x0303), (b"\1\0", ALERT, 0x0303), (b"old", APPLICATION, 0x0301)]
        ),
        st.just((b"strange", APPLICATION, 0x0503)),
    ),
    max_size=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([16, 32]),
    SAID12,
    st.sampled_from([0, 1, 1 << 33]),
    st.integers(0, 400),
    st.sampled_from([b"", b"\0", b"\x17\3\3\0\0", b"\x17\3\3\0\x17" + bytes(23), b"\x17\3\3\0\5short"]),
)
def test_records_of_tls_1_2_likewise(
    size: int, said: list[tuple[bytes, int, int]], first: int, damaged: int, behind: bytes
) -> None:
    needs_kernel()
    key = bytes(range(size))
    sealed = [_sealed12(key, first + i, *each) for i, each in enumerate(said)]
    wire = b"".join(sealed) + behind
    if damaged < len(wire):
        wire = wire[:damaged] + bytes([wire[damaged] ^ 1]) + wire[damaged + 1 :]
    assert _taken12(key, wire, first, alone=False)[0] == _taken12(key, wire, first, alone=True)[0]


def test_small_records_of_tls_1_2_are_the_kernels() -> None:
    needs_kernel()
    key = bytes(16)
    said = [(b"one", APPLICATION), (b"two", APPLICATION), (b"", APPLICATION), (b"four", APPLICATION)]
    sealed = [_sealed12(key, number, *each) for number, each in enumerate(said)]
    wire = b"".join(sealed)
    assert _taken12(key, wire, 0, alone=False)[1] == len(sealed[0] + sealed[1])
    assert _taken12(key, wire, 0, alone=True)[1] == 0


def test_records_of_tls_1_2_wait_for_the_proof_of_their_keys() -> None:
    needs_kernel()
    suite = lookup(0x0303, 0x009C)
    assert suite is not None
    wire = _sealed12(bytes(16), 0, b"one", APPLICATION)
    direction = TlsDirection(Side.CLIENT, Negotiation())
    direction.cipher, direction.trusted = Aead12(suite, bytes(16), b"salt"), True
    assert direction._fast12(wire, 0) == 0
    direction.negotiation.authenticated, direction.messages = True, b"part of a message"
    assert direction._fast12(wire, 0) == 0
    direction.messages = b""
    assert direction._fast12(wire, 0) == len(wire)
