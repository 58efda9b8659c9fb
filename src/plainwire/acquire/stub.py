"""The instructions that a patched function jumps to. x86-64.

``instructions``, of a function that is told of secrets: they take the next record of the ring (``ring``)
and fill it, do what stood at the function's start, and go on behind that. No system call, no call at all, 72
bytes of stack, no register changed; flags mean nothing at the start of a function. Of NSS they call two
functions of its own, as it does itself where it is built with a key log, and count the threads that are
there.

``calls``, of the function by which Go makes system calls: behind a write(2) to standard output or error they
copy what the kernel took (``go_words``); before execve(2) they tell us, so that we can be there when the
program has become another (``go_children``). That takes seven system calls; they are left out for good where
the program makes one by which it may forbid itself some. Registers that hold nothing there (Go's ABIInternal)
are used.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.acquire import go_words
from plainwire.acquire.ring import HEADER, INSIDE_AT, SLOTS

if TYPE_CHECKING:
    from plainwire.acquire.patching import KeyLogFunction, S2nPlaces

_JUMP, _REACH = 5, 1 << 31

_SAVE = bytes.fromhex("50 51 52 56 57 4150 4151 4152 4153")  # push rax, rcx, rdx, rsi, rdi, r8 to r11
_RESTORE = bytes.fromhex("415b 415a 4159 4158 5f 5e 5a 59 58")

_Step = tuple[bytes, bytes]
"""Instructions, and the jump behind them to the end, where there is one: without its distance."""


def reaches(at: int, target: int) -> bool:
    """Whether a jump gets there."""
    return -_REACH <= target - (at + _JUMP) < _REACH


def jump(at: int, target: int, covered: int) -> bytes:
    """What is written to the start of a function."""
    return b"\xe9" + struct.pack("<i", target - (at + _JUMP)) + b"\x90" * (covered - _JUMP)


def instructions(
    page: int, ring: int, place: KeyLogFunction, offset: int, library: int, called: tuple[int, ...] = ()
) -> bytes:
    """What is to stand at ``page``. ``offset``: from the file's addresses to those in memory. ``called``: of
    NSS, where PK11_ExtractKeyValue and PK11_GetKeyData are.
    """
    if place.nss:
        return _assembled(_of_nss(ring, place, offset, library, called), page, {})
    take = b"\x49\xbb" + struct.pack("<Q", ring)  # mov r11, ring
    take += bytes.fromhex("b801000000 f0410fc103 3d") + struct.pack("<I", SLOTS)  # xadd [r11], eax; cmp
    named = bytes.fromhex("41c7430c") + struct.pack("<I", library)  # mov dword [r11 + 12], ...
    steps = (
        _of_old_openssl()
        if place.old
        else _of_s2n(place.s2n, page + _S2N_LABELS_AT)
        if place.s2n is not None
        else _of_openssl(place, offset)
        if place.hops
        else _of_go(place, offset)
    )
    body = b""
    for code, ahead in reversed([(_SLOT + named, b""), *steps]):
        body = code + (ahead + struct.pack("<i", len(body)) if ahead else b"") + body
    made = _SAVE + take + b"\x0f\x83" + struct.pack("<i", len(body)) + body + _RESTORE
    made += place.code[: place.covered]
    back = place.function + offset + place.covered
    made += b"\xe9" + struct.pack("<i", back - (page + len(made) + _JUMP))
    return made if place.s2n is None else made.ljust(_S2N_LABELS_AT, b"\xcc") + _S2N_LABELS


_ABOVE, _EQUAL, _NOT_EQUAL = b"\x0f\x87", b"\x0f\x84", b"\x0f\x85"
_SLOT = bytes.fromhex("48c1e008 4d8d9c03") + struct.pack("<i", HEADER)  # lea r11, [r11 + 256 * rax + ...]
_COPIED_LABEL = bytes.fromhex("498d7b10 b930000000 ac aa 84c0 7402 e2f8 41c7430430000000")
"""From rsi to [r11 + 16], up to its zero: lodsb, stosb, test al, jz, loop."""
_WHOLE = bytes.fromhex("41c70301000000")  # mov dword [r11], 1


def _among_labels(place: KeyLogFunction, offset: int) -> _Step:
    """The address in rdx must be among those of the labels."""
    code = b"\x48\xb8" + struct.pack("<Q", place.labels + offset)  # mov rax, ...
    code += bytes.fromhex("4829c2 4881fa")  # sub rdx, rax; cmp rdx, ...
    return code + struct.pack("<I", place.labels_end - place.labels), _ABOVE


def _of_go(place: KeyLogFunction, offset: int) -> list[_Step]:
    """Go gives the label in rbx and rcx, the client random in rdi and rsi, the secret in r9 and r10."""
    code, ahead = _among_labels(place, offset)
    return [
        (bytes.fromhex("4889da") + code, ahead),  # mov rdx, rbx
        # rsi: the label; rcx: its length, which must not be above 48; then to [r11 + 16]
        (bytes.fromhex("4889de 488b4c2438 4883f930"), _ABOVE),
        (bytes.fromhex("41894b04 498d7b10 f3a4"), b""),
        # the client random must have 32 bytes; to [r11 + 64]
        (bytes.fromhex("48837c242820"), _NOT_EQUAL),
        (bytes.fromhex("488b742420 498d7b40 b920000000 f3a4"), b""),
        # the secret: at most 64; to [r11 + 96]; then the record is whole
        (bytes.fromhex("488b742410 488b4c2408 4883f940"), _ABOVE),
        (bytes.fromhex("41894b08 498d7b60 f3a4") + _WHOLE, b""),
    ]


def _of_openssl(place: KeyLogFunction, offset: int) -> list[_Step]:
    """C gives the session in rdi, the label in rsi, which ends with a zero, the secret in rdx and rcx."""
    code, ahead = _among_labels(place, offset)
    *way, last = place.hops
    random = bytes.fromhex("488b742420")  # mov rsi, [rsp + 32]: rdi
    for hop in way:
        random += bytes.fromhex("488bb6") + struct.pack("<i", hop)  # mov rsi, [rsi + hop]
    random += bytes.fromhex("4881c6") + struct.pack("<i", last)  # add rsi, last
    return [
        (bytes.fromhex("4889f2") + code, ahead),  # mov rdx, rsi
        # the secret: at most 64 bytes, which is looked at first, as nothing is written yet
        (bytes.fromhex("488b4c2438 4883f940"), _ABOVE),
        (_COPIED_LABEL, b""),  # with its zero at most 48 bytes
        (random + bytes.fromhex("498d7b40 b920000000 f3a4"), b""),  # to [r11 + 64]
        (bytes.fromhex("488b742430 488b4c2438 41894b08 498d7b60 f3a4") + _WHOLE, b""),
    ]


_SESSION, _MASTER_LENGTH, _MASTER, _STATE, _CLIENT_RANDOM = 0x130, 0x10, 0x14, 0x80, 0xC4
"""Of OpenSSL 1.0.2 on x86-64 (native/interposer/legacy.h): in SSL, SSL_SESSION and ssl3_state_st."""


def _of_old_openssl() -> list[_Step]:
    """C gives the session in rdi; the master secret has 48 bytes (RFC 5246 section 8.1)."""
    session = bytes.fromhex("488b742420 488b96") + struct.pack(
        "<i", _SESSION
    )  # mov rsi, [rsp + 32]; mov rdx, ...
    random = bytes.fromhex("488bb6") + struct.pack("<i", _STATE)  # mov rsi, [rsi + ...]
    random += bytes.fromhex("4881c6") + struct.pack("<i", _CLIENT_RANDOM)  # add rsi, ...
    return [
        (session + bytes((0x83, 0x7A, _MASTER_LENGTH, 48)), _NOT_EQUAL),  # cmp dword [rdx + ...], 48
        (_labelled_client_random(), b""),
        (random + bytes.fromhex("498d7b40 b920000000 f3a4"), b""),  # to [r11 + 64]
        # lea rsi, [rdx + ...]; to [r11 + 96]
        (
            bytes((0x48, 0x8D, 0x72, _MASTER)) + bytes.fromhex("b930000000 41894b08 498d7b60 f3a4") + _WHOLE,
            b"",
        ),
    ]


def _labelled_client_random() -> bytes:
    label = b"CLIENT_RANDOM".ljust(16, b"\0")
    named = b"".join(
        b"\x48\xb8" + half + b"\x49\x89\x43" + bytes((at,))  # mov rax, ...; mov [r11 + at], rax
        for half, at in ((label[:8], 16), (label[8:], 24))
    )
    return named + bytes.fromhex("41c743040e000000")  # mov dword [r11 + 4], 14: with a zero


_S2N_LABELS = b"".join(
    label.ljust(32, b"\0")
    for label in (
        b"CLIENT_EARLY_TRAFFIC_SECRET",
        b"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        b"SERVER_HANDSHAKE_TRAFFIC_SECRET",
        b"CLIENT_TRAFFIC_SECRET_0",
        b"SERVER_TRAFFIC_SECRET_0",
        b"EXPORTER_SECRET",
    )
)
"""By the numbers that s2n has for them (s2n_secret_type_t)."""
_S2N_LABELS_AT = 1024
"""In the page of the instructions."""


def _of_s2n(places: S2nPlaces, labels: int) -> list[_Step]:
    """C gives the connection in rdi; of TLS 1.3 where the secret's address and length are in rsi, and a
    number in edx. Either may be NULL.
    """
    # mov rsi, [rsp + 32]; test rsi, rsi
    connection = bytes.fromhex("488b742420 4885f6"), _EQUAL
    random = bytes.fromhex("4881c6") + struct.pack("<i", places.client_random)  # add rsi, ...
    random += bytes.fromhex("498d7b40 b920000000 f3a4")  # to [r11 + 64]
    if places.master:
        # mov rsi, [rsp + 32]; add rsi, ...; 48 bytes to [r11 + 96]
        secret = bytes.fromhex("488b742420 4881c6") + struct.pack("<i", places.master)
        secret += bytes.fromhex("b930000000 41894b08 498d7b60 f3a4") + _WHOLE
        return [connection, (random + _labelled_client_random() + secret, b"")]
    # mov rsi, ...; add rsi, rdx; 32 bytes to [r11 + 16], and their number
    named = b"\x48\xbe" + struct.pack("<Q", labels)
    named += bytes.fromhex("4801d6 498d7b10 b920000000 41894b04 f3a4")
    return [
        connection,
        (random, b""),
        # mov edx, [rsp + 48]; cmp edx, 5
        (bytes.fromhex("8b542430 83fa05"), _ABOVE),
        (bytes.fromhex("c1e205") + named, b""),  # shl edx, 5
        # mov rdx, [rsp + 40]; test rdx, rdx
        (bytes.fromhex("488b542428 4885d2"), _EQUAL),
        # mov ecx, [rdx + 8]; cmp ecx, 64
        (bytes.fromhex("8b4a08 83f940"), _ABOVE),
        # mov rsi, [rdx]; to [r11 + 96]
        (bytes.fromhex("488b32 41894b08 498d7b60 f3a4") + _WHOLE, b""),
    ]


def _of_nss(shared: int, place: KeyLogFunction, offset: int, library: int, called: tuple[int, ...]) -> _Code:
    """C gives the session in rdi, the label in rsi, the secret's object in rdx. Then rbx is that, rbp the
    session, and the stack is aligned, as functions want it.
    """
    extract, data = (b"\x48\xb8" + struct.pack("<Q", each) + b"\xff\xd0" for each in called)  # mov rax; call
    code, _ = _among_labels(place, offset)
    return [
        bytes.fromhex("55 53") + _SAVE,
        *(bytes.fromhex("4889d3 4889fd 4885db"), (_JE, "end")),  # mov rbx, rdx; mov rbp, rdi; test rbx, rbx
        *(bytes.fromhex("4889f2") + code, (_JA, "end")),  # mov rdx, rsi
        _shared_in_r11(shared)
        + bytes.fromhex("f041ff43")
        + bytes((INSIDE_AT,)),  # lock inc dword [r11 + ...]
        *(
            bytes.fromhex("4889df") + extract + bytes.fromhex("85c0"),
            (_JNE, "leave"),
        ),  # mov rdi, rbx; test eax, eax
        *(bytes.fromhex("4889df") + data + bytes.fromhex("4885c0"), (_JE, "leave")),  # test rax, rax
        # mov rbx, rax: type, address, size; cmp dword [rbx + 16], 64; cmp qword [rbx + 8], 0
        *(bytes.fromhex("4889c3 837b1040"), (_JA, "leave"), bytes.fromhex("48837b0800"), (_JE, "leave")),
        _shared_in_r11(shared) + bytes.fromhex("b801000000 f0410fc103 3d") + struct.pack("<I", SLOTS),
        (_JAE, "leave"),
        _SLOT + bytes.fromhex("41c7430c") + struct.pack("<I", library),
        # mov rsi, [rsp + 40]: the label with its zero, at most 48 bytes, to [r11 + 16]
        bytes.fromhex("488b742428") + _COPIED_LABEL,
        # lea rsi, [rbp + ...]: the client random, to [r11 + 64]
        bytes.fromhex("488db5")
        + struct.pack("<i", place.hops[0])
        + bytes.fromhex("498d7b40 b920000000 f3a4"),
        # mov ecx, [rbx + 16]; mov rsi, [rbx + 8]; to [r11 + 96]
        bytes.fromhex("8b4b10 488b7308 41894b08 498d7b60 f3a4") + _WHOLE,
        "leave",
        _shared_in_r11(shared)
        + bytes.fromhex("f041ff4b")
        + bytes((INSIDE_AT,)),  # lock dec dword [r11 + ...]
        *("end", _RESTORE + bytes.fromhex("5b 5d c3")),
    ]


# --- Go's system calls --------------------------------------------------------------------------------------

CALLS = bytes.fromhex("4989f2 4889fa 4889ce 4889df 0f05")
"""mov r10, rsi; mov rdx, rdi; mov rsi, rcx; mov rdi, rbx; syscall. Go gives the call's number in rax, and
what it is given in rbx, rcx, rdi, rsi, r8, r9."""
CALLS_COVERED = 6
_SYS_WRITE, _SYS_CLOSE, _SYS_POLL, _SYS_SOCKET, _SYS_CONNECT, _SYS_SENDTO = 1, 3, 7, 41, 42, 44
_SYS_EXECVE, _SYS_PRCTL, _SYS_GETTID, _SYS_SECCOMP = 59, 157, 186, 317
PR_SET_PTRACER = 0x59616D61
_AF_UNIX, _STREAM_CLOEXEC_NONBLOCK, _MSG_NOSIGNAL, _POLLIN = 1, 0x80801, 0x4000, 1
_PATIENCE = 3000  # milliseconds, where nobody looks at who asks
_TRIES = 300  # signals that may come meanwhile: Go's runtime sends one each 10 ms

_JE, _JNE, _JA, _JAE, _JBE, _JLE, _JS = (
    b"\x0f" + bytes((code,)) for code in (0x84, 0x85, 0x87, 0x83, 0x86, 0x8E, 0x88)
)
_TO = b"\xe9"

_Code = list[bytes | str | tuple[bytes, str]]
"""Instructions; names of places among them; jumps, each with the name of the place that it leads to."""


class Asked(Struct, frozen=True):
    """Whom to tell of execve(2): the name of an abstract socket, and the process that has it, and traces."""

    name: bytes
    pid: int

    @property
    def address(self) -> bytes:
        """As connect(2) takes it: unix(7)."""
        return struct.pack("<H", _AF_UNIX) + b"\0" + self.name


def calls(page: int, shared: int, at: int, asked: Asked | None) -> bytes:
    """What is to stand at ``page``. ``at``: where the function is. Where nobody is ``asked``, words only."""
    code: _Code = [
        *(_compared_rax(_SYS_WRITE), (_JE, "write")),
        *(_compared_rax(_SYS_EXECVE), (_JE, "execve")),
        *(_compared_rax(_SYS_SECCOMP), (_JE, "silence")),
        *(_compared_rax(_SYS_PRCTL), (_JNE, "on")),
        *(bytes.fromhex("4883fb16"), (_JNE, "on")),  # cmp rbx, PR_SET_SECCOMP
        "silence",
        *(_shared_in_r11(shared), bytes.fromhex("41c7431001000000")),  # mov dword [r11 + SILENT_AT], 1
        *("on", CALLS[:CALLS_COVERED], (_TO, "rest")),
        *_write(shared),
        "execve",
        *(_execve(shared, asked) if asked is not None else ()),
        *((_TO, "on"), "address", asked.address if asked is not None else b""),
    ]
    return _assembled(code, page, {"rest": at + CALLS_COVERED, "behind": at + len(CALLS)})


def _write(shared: int) -> _Code:
    """It is called here, so that what is copied is what the kernel could read."""
    return [
        "write",
        *(bytes.fromhex("4c8d5bff 4983fb01"), (_JA, "on")),  # lea r11, [rbx - 1]; cmp r11, 1
        # cmp dword [r11 + COUNT_AT], ENOUGH
        *(
            _shared_in_r11(shared),
            bytes.fromhex("41817b08") + struct.pack("<I", go_words.ENOUGH),
            (_JA, "on"),
        ),
        CALLS,
        *(bytes.fromhex("4885c0"), (_JLE, "behind")),  # test rax, rax
        # kept in r8 and r9; the descriptor in r10d; rcx: how many bytes, at most MOST
        bytes.fromhex("4989c0 4989d1 4189fa 4889c1 4881f9") + struct.pack("<I", go_words.MOST),
        *((_JBE, "short"), b"\xb9" + struct.pack("<I", go_words.MOST), "short"),
        # edx: pieces, (rcx + HEAD + PIECE - 1) / PIECE; then the first one's number, of [r11 + COUNT_AT]
        *(bytes.fromhex("488d910f040000 48c1ea0a"), _shared_in_r11(shared), bytes.fromhex("f0410fc15308")),
        # r11: its address, r11 + edx % PIECES * PIECE + AT
        bytes.fromhex("89d0 25ff030000 48c1e00a 4d8d9c03") + struct.pack("<i", go_words.AT),
        # the size, the descriptor; the bytes, to [r11 + HEAD]; edx + 1
        bytes.fromhex("41894b04 45895308 498d7b10 f3a4 ffc2 418913"),
        *(bytes.fromhex("4c89c0 4c89ca"), (_TO, "behind")),
    ]


def _execve(shared: int, asked: Asked) -> _Code:
    """All registers are put back. What is sent: where the path is, which the other side reads; the thread;
    where the environment is.
    """
    return [
        *(
            _shared_in_r11(shared),
            bytes.fromhex("41837b1000"),
            (_JNE, "on"),
        ),  # cmp dword [r11 + SILENT_AT], 0
        bytes.fromhex("50 53 51 57 56 4150 4151"),  # push rax, rbx, rcx, rdi, rsi, r8, r9
        # prctl(PR_SET_PTRACER, pid, 0, 0, 0), which only means something under Yama
        _call(_SYS_PRCTL, edi=PR_SET_PTRACER, esi=asked.pid, zero=("edx", "r10d", "r8d")),
        *(
            _call(_SYS_SOCKET, edi=_AF_UNIX, esi=_STREAM_CLOEXEC_NONBLOCK, zero=("edx",)),
            bytes.fromhex("85c0"),
        ),
        *((_JS, "done"), bytes.fromhex("4189c4")),  # mov r12d, eax
        *(
            bytes.fromhex("4489e7"),
            (bytes.fromhex("488d35"), "address"),
        ),  # mov edi, r12d; lea rsi, [rip + ...]
        *(_call(_SYS_CONNECT, edx=len(asked.address)), bytes.fromhex("85c0"), (_JNE, "close")),
        # push qword [rsp + 24], which is rdi; bts rax, 33; push rax; push rbx; mov edi, r12d; mov rsi, rsp
        _call(_SYS_GETTID) + bytes.fromhex("ff742418 480fbae821 50 53 4489e7 4889e6"),
        _call(_SYS_SENDTO, edx=24, r10d=_MSG_NOSIGNAL, zero=("r8d", "r9d")),
        # [rsp]: the descriptor, and POLLIN << 32
        bytes.fromhex("49bb") + struct.pack("<Q", _POLLIN << 32) + bytes.fromhex("4d09e3 4c891c24"),
        *(
            b"\x41\xbd" + struct.pack("<I", _TRIES),
            "poll",
            bytes.fromhex("4889e7"),
        ),  # mov r13d, ...; mov rdi, rsp
        *(
            _call(_SYS_POLL, esi=1, edx=_PATIENCE),
            bytes.fromhex("83f8fc"),
            (_JNE, "polled"),
        ),  # cmp eax, -EINTR
        *(bytes.fromhex("41ffcd"), (_JNE, "poll"), "polled"),  # dec r13d
        bytes.fromhex("415b 415b 415b"),  # pop r11, three times
        *("close", bytes.fromhex("4489e7") + _call(_SYS_CLOSE), "done"),
        bytes.fromhex("4159 4158 5e 5f 59 5b 58"),
    ]


def _compared_rax(number: int) -> bytes:
    return b"\x48\x3d" + struct.pack("<I", number)


def _shared_in_r11(shared: int) -> bytes:
    return b"\x49\xbb" + struct.pack("<Q", shared)


_MOVES = {"edx": b"\xba", "esi": b"\xbe", "edi": b"\xbf", "r10d": b"\x41\xba"}
_ZEROES = {"edx": "31d2", "r8d": "4531c0", "r9d": "4531c9", "r10d": "4531d2"}


def _call(number: int, zero: tuple[str, ...] = (), **registers: int) -> bytes:
    code = b"".join(_MOVES[name] + struct.pack("<I", value) for name, value in registers.items())
    code += b"".join(bytes.fromhex(_ZEROES[name]) for name in zero)
    return code + b"\xb8" + struct.pack("<I", number) + b"\x0f\x05"


def _assembled(code: _Code, page: int, places: dict[str, int]) -> bytes:
    at = page
    places = dict(places)
    for each in code:
        if isinstance(each, str):
            places[each] = at
        else:
            at += len(each) if isinstance(each, bytes) else len(each[0]) + 4
    made = b""
    for each in code:
        if isinstance(each, bytes):
            made += each
        elif isinstance(each, tuple):
            made += each[0] + struct.pack("<i", places[each[1]] - (page + len(made) + len(each[0]) + 4))
    return made
