"""The program's own side: which processes, what the kernel told them of their sockets, what they said.

Nothing of this is evidence about the wire. It is what the wire is held against.
"""

from __future__ import annotations

from msgspec import Struct, field

from plainwire.model.base import Discreet


class ProgramConnection(Struct):
    """Which process a connection belongs to, from the program's own side."""

    pid: int
    thread: int
    command: str
    tls_library: str | None = None
    secrets_by: str | None = None
    """How the secrets were had: by the library's own ``callback``, the ``derivation`` of keys from it, a
    ``patch``, the ``agent`` in a Java virtual machine, from the program's ``memory``; None where none were.
    """


class Unreached(Struct, frozen=True):
    """TLS that a process has in ``place``, a library or a program, and whose secrets could not be had."""

    pid: int
    place: str
    why: str


class Process(Struct):
    """One process that used the network or spoke. ``runtime`` is ``python``, ``node``, ``curl``, ...;
    ``version`` is what stands in its file, or the part of it that the file's name tells. ``exit_status``
    is known of those that ended by exit(3). ``sandboxed``: it forbade itself system calls (seccomp),
    from when on the interposer is silent in it.
    """

    pid: int
    command: str
    executable: str | None = None
    runtime: str | None = None
    version: str | None = None
    exit_status: int | None = None
    sandboxed: bool = False


class SocketError(Struct, frozen=True):
    """A call on a TCP socket that failed. ``error`` is an errno; ``call`` ``getsockopt`` tells how a connect
    ended that did not block. ``peer`` is None where the kernel had forgotten it, as after a RST.
    """

    time_ns: int
    pid: int
    local: str
    peer: str | None
    call: str
    error: int
    acked: int | None = None
    """Bytes that the peer's kernel had acknowledged by then (tcpi_bytes_acked of TCP_INFO); of a socket that
    connected its SYN is one of them. None where the kernel does not say.
    """


class SocketClose(Struct, frozen=True):
    """The program closed a socket or shut it down. ``unread`` bytes waited in the kernel: closing then
    makes it send a RST (RFC 9293 section 3.6.1).
    """

    time_ns: int
    pid: int
    local: str
    peer: str | None
    call: str
    unread: int
    acked: int | None = None
    """As of ``SocketError``."""


class KernelReset(Struct, frozen=True):
    """A RST that this host's kernel sent, by its own account: ``reason`` is the kernel's name for why
    (include/net/rstreason.h), "" where it does not say; ``state`` the socket's, as TCP_ESTABLISHED.
    """

    time_ns: int
    local: str
    peer: str
    state: str
    reason: str


class RunningTest(Discreet, Struct, frozen=True):
    """From ``time_ns`` on the process was in the test ``name``, by pytest's word; "" where in none."""

    unshown = ("name",)

    time_ns: int
    pid: int
    name: str


class Killed(Struct, frozen=True):
    """A signal ended a process of the program's, as its parent was told by wait(2) at ``time_ns``."""

    time_ns: int
    pid: int
    signal: int


class Words(Struct, frozen=True):
    """What a process wrote to its standard error, and to its standard output where that tells of an error;
    from a file its whole end, at the time of its end.
    """

    time_ns: int
    pid: int
    text: str
    afterwards: bool = False
    """Read from the file when the program had ended: when it was said is not known."""
    output: str = "stderr"
    buffered: bool = False
    """One of several lines in one write: they were kept back, and when each was said is not known."""


class ProgramEvents(Discreet, Struct):
    """What ``program.jsonl`` says: see docs/architecture.md for its lines."""

    unshown = ("words",)

    by_client_random: dict[bytes, ProgramConnection] = field(default_factory=dict)
    by_sockets: dict[tuple[str, str], list[tuple[int, ProgramConnection]]] = field(default_factory=dict)
    """(local, peer), as "ip:port", to the times (ns) of connect and the process. Where connect(2) failed the
    local address is that of no interface (``0.0.0.0``)."""
    by_datagrams: dict[tuple[str, str], list[tuple[int, ProgramConnection]]] = field(default_factory=dict)
    """The same for sockets that send datagrams: when they were connected, or sent one as large as those that
    begin a connection of QUIC. Where they are not bound to an address the local one is ``0.0.0.0``."""
    command: list[str] = field(default_factory=list)
    pid: int | None = None
    proxies: dict[str, str] = field(default_factory=dict)
    """What its environment names: ``https_proxy`` to ``host:port``."""
    exit_status: int | None = None
    ended_ns: int | None = None
    notes: list[str] = field(default_factory=list)
    unwatched: bool = False
    """The program's sockets could not be seen: the interposer stayed out of it."""
    witnessed: bool = False  # but the kernel told of all of TCP's
    relayed: bool = False  # all packets of its are those of a relay that made its network (pasta)
    left_out: int = 0  # packets of other programs that were taken out of the case's capture
    processes: dict[int, Process] = field(default_factory=dict)
    errors: list[SocketError] = field(default_factory=list)
    closes: list[SocketClose] = field(default_factory=list)
    unreached: list[Unreached] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    resets: list[KernelReset] = field(default_factory=list)
    tests: list[RunningTest] = field(default_factory=list)
    killed: list[Killed] = field(default_factory=list)


class Saying(Discreet, Struct):
    """One thing that the program said of a failure: an exception with all that is chained to it, a line.

    ``text`` is its own, to be redacted and escaped before it is shown; ``label`` is ours for it. ``code`` is
    the finding, ``exchange`` the exchange and ``connection`` the connection that it belongs to; None where
    nothing on the wire explains it, for the reason ``why``, a sentence of ours.
    ``own``: it names nothing of the network. ``weak``: its words need not be about a failure.
    """

    unshown = ("text", "test")

    time_ns: int
    pid: int
    text: str
    label: str
    client: str
    code: str | None = None
    exchange: int | None = None
    untimed: bool = False
    own: bool = False
    connection: int | None = None
    why: str = ""
    weak: bool = False
    lines: int = 1
    """How many lines it has."""
    test: str = ""
    """The test that failed so, by the name that the program's output has for it."""


class Testimony(Struct):
    """The program's own account, held against the wire.

    ``sayings`` in order of time, at most the first thousand; ``errors`` counts failed calls on sockets by the
    name of their errno. ``remarks`` are sentences of ours about all of it.
    """

    command: list[str]
    exit_status: int | None
    processes: list[Process]
    errors: dict[str, int] = field(default_factory=dict)
    sayings: list[Saying] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    lines: int = 0
    """How many lines were heard of the program; those that are in no saying tell of no failure."""
