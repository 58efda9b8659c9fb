"""One handshake: what both sides agreed on, and the ciphers that can result from it.

A connection has one; each renegotiation (RFC 5246 section 7.4.1.1) makes another, linked by ``next``, because
either direction may have been read further than the other.

The right secret is not known beforehand: a key log may have several for one client random, and a resumed
session may be found by its id or by its ticket. All are candidates. ``alternatives`` gives their ciphers, and
the first record that one of them decrypts decides.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from plainwire.tls import premaster, suites
from plainwire.tls.ciphers import connection_ciphers, master_secret, transcript_hash
from plainwire.tls.handshake_messages import (
    EARLY_DATA,
    ENCRYPT_THEN_MAC,
    ENCRYPTED_CLIENT_HELLO,
    EXTENDED_MASTER_SECRET,
    SESSION_TICKET,
    TLS13,
    TRUNCATED_MAC,
    draft,
    version_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.tls.handshake_messages import Hello
    from plainwire.tls.keylog import KeyLog
    from plainwire.tls.record_cipher import RecordCipher

    Pair = tuple[RecordCipher, RecordCipher]

_MOST_TRANSCRIPT = 1 << 18
_MOST_MASTERS = 16
_DEFLATE = 1
_OLDEST, _OLDEST_DRAFT = 0x0300, 18
_TLS11 = 0x0302
_FAST_GCM = ("AES", "SM4")


class Unsealed:
    """Records that are not encrypted, without the secret that could authenticate them."""

    __slots__ = ("_mac", "sequence")

    def __init__(self, mac: int) -> None:
        self._mac = mac
        self.sequence = 0

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:  # noqa: ARG002
        """See ``RecordCipher``."""
        if len(body) < self._mac:
            return None
        self.sequence += 1
        return bytes(body[: len(body) - self._mac])


class Negotiation:
    """See the module's essay."""

    __slots__ = (
        "authenticated",
        "certificate",
        "client_random",
        "client_version",
        "derived",
        "draft",
        "early_offered",
        "full",
        "key_exchange",
        "master",
        "next",
        "offered_suites",
        "offered_ticket",
        "outer",
        "pair",
        "retried",
        "retry",
        "seekable",
        "server_random",
        "session_id",
        "settings",
        "suite",
        "ticket",
        "transcript",
        "transcript_size",
        "unsupported",
        "version",
    )

    def __init__(self) -> None:
        self.client_random = b""
        self.client_version = 0
        self.offered_suites: list[int] = []
        self.outer: tuple[bytes, Hello] | None = None  # a ClientHello with another inside, and its body
        self.offered_ticket = b""
        self.early_offered = False
        self.retry = False  # a second ClientHello is due (RFC 8446 section 4.1.2)
        self.retried = False
        self.server_random = b""
        self.session_id = b""
        self.version = 0  # 0 before the ServerHello; drafts of TLS 1.3 count as it
        self.draft = 0
        self.suite: suites.Suite | None = None
        self.unsupported = ""  # why what comes encrypted will not be read
        self.seekable = False  # a record can be opened without those before it
        self.full = False  # no session is resumed: there is more than hellos
        self.settings: dict[str, int] = {}  # extensions and compression, as the ciphers take them
        self.certificate = b""  # the server's, DER
        self.key_exchange: bytes | None = None  # the ClientKeyExchange
        self.transcript: list[list[bytes]] | None = [[], [], []]  # ClientHello, server's, client's messages
        self.derived: tuple[int, list[bytes]] | None = None  # lines of the key log, master secrets
        self.transcript_size = 0
        self.ticket = b""
        self.pair: Pair | None = None
        self.master = b""  # what ``pair`` was made of
        self.authenticated = False  # ``pair`` has opened a record
        self.next: Negotiation | None = None

    def __repr__(self) -> str:
        return f"<Negotiation of {version_name(self.version)}>"

    @property
    def is_slow(self) -> bool:
        """Whether decrypting a record is slow: with a GCM written in Python (see ``algorithms``)."""
        return self.suite is not None and self.suite.kind == "gcm" and self.suite.cipher not in _FAST_GCM

    # --- what the messages say -----------------------------------------------------------------------

    def client_hello(self, hello: Hello, body: bytes) -> None:
        """Take a ClientHello; after a HelloRetryRequest, the second one. ``body``: as it was sent."""
        self.retry = False
        self.client_random, self.client_version = hello.random, hello.version
        self.offered_suites = hello.suites
        self.outer = (body, hello) if ENCRYPTED_CLIENT_HELLO in hello.extensions else None
        self.offered_ticket = hello.extensions.get(SESSION_TICKET, b"")
        self.early_offered = EARLY_DATA in hello.extensions or self.early_offered

    def server_hello(self, hello: Hello) -> None:
        """Take a ServerHello."""
        wire_version, number = hello.chosen_version, hello.suites[0]
        self.draft = draft(wire_version)
        self.version = TLS13 if self.draft else wire_version
        self.server_random, self.session_id = hello.random, hello.session_id
        self.suite = suites.lookup(self.version, number)
        self.settings = {
            "encrypt_then_mac": ENCRYPT_THEN_MAC in hello.extensions,
            "truncated_mac": TRUNCATED_MAC in hello.extensions,
            "compression": hello.compression,
            "extended": EXTENDED_MASTER_SECRET in hello.extensions,
        }
        self._judge(wire_version, number)
        if self.version == TLS13:
            self.transcript = None

    def _judge(self, wire_version: int, number: int) -> None:
        """Decide whether this connection can be decrypted at all."""
        compression = self.settings["compression"]
        if 0 < self.draft < _OLDEST_DRAFT or not _OLDEST <= self.version <= TLS13:
            self.unsupported = f"unsupported version {version_name(wire_version)}"
        elif self.suite is None:
            self.unsupported = f"unsupported suite {suites.name(number)}"
        elif compression not in (0, _DEFLATE):
            self.unsupported = f"unsupported compression method {compression}"
        else:
            chained = self.suite.kind == "cbc" and self.version < _TLS11
            self.seekable = not (compression or chained or self.suite.kind == "rc4")

    def remember(self, part: int, message: bytes) -> None:
        """Keep a message for the session hash (RFC 7627 section 3): 0 ClientHello, 1 server's, 2 client's."""
        if self.transcript is None:
            return
        self.transcript[part].append(message)
        self.transcript_size += len(message)
        if self.transcript_size > _MOST_TRANSCRIPT:
            self.transcript = None

    # --- the ciphers of SSL 3.0 to TLS 1.2 -----------------------------------------------------------

    def ciphers(self, keys: KeyLog) -> Pair | None:
        """The client's and the server's ciphers from the likeliest secret; None while there is none."""
        if self.pair is None:
            self.master, self.pair = next(self.alternatives(keys), (b"", None))
        if self.pair is None and self.suite is not None and self.suite.kind == "null":
            size = hashlib.new(self.suite.mac).digest_size
            return Unsealed(size), Unsealed(size)
        return self.pair

    def is_cipher(self, cipher: RecordCipher | None) -> bool:
        """Whether a cipher belongs to this handshake and not to an earlier one."""
        return self.pair is not None and cipher is not None and cipher in self.pair

    def alternatives(self, keys: KeyLog) -> Iterator[tuple[bytes, Pair]]:
        """All secrets that may be this handshake's, each with its ciphers."""
        if self.suite is None or self.version == TLS13 or self.unsupported:
            return
        for master in self._masters(keys):
            yield (
                master,
                connection_ciphers(
                    self.version,
                    self.suite,
                    master,
                    (self.client_random, self.server_random),
                    encrypt_then_mac=bool(self.settings["encrypt_then_mac"]),
                    truncated_mac=bool(self.settings["truncated_mac"]),
                    compression=self.settings["compression"],
                ),
            )

    def _masters(self, keys: KeyLog) -> list[bytes]:
        found = keys.master_secrets(self.client_random, self.session_id)
        if self.offered_ticket:
            found += keys.master_secrets(self.client_random, self.offered_ticket)
        if self.key_exchange is not None and self.suite is not None:
            if self.derived is None or self.derived[0] != keys.lines:  # asked again at every packet
                self.derived = keys.lines, self._from_premasters(keys, self.suite, self.key_exchange)
            found += self.derived[1]
        return list(dict.fromkeys(found))[:_MOST_MASTERS]

    def _from_premasters(self, keys: KeyLog, suite: suites.Suite, key_exchange: bytes) -> list[bytes]:
        known = premaster.candidates(
            keys,
            suite,
            self.version,
            self.client_version,
            self.client_random,
            key_exchange,
            self.certificate or None,
        )
        if not known:
            return []
        session_hash = None
        if self.settings["extended"]:
            if self.transcript is None:
                return []
            messages = b"".join(message for part in self.transcript for message in part)
            session_hash = transcript_hash(self.version, suite, messages)
        randoms = self.client_random, self.server_random
        return [
            master_secret(self.version, suite, each, *randoms, session_hash=session_hash) for each in known
        ]

    def settle(self, keys: KeyLog) -> None:
        """A record was decrypted: the secret is right, and serves sessions that resume this one."""
        self.authenticated = True
        self.transcript = self.key_exchange = None
        if self.master:
            keys.learn_session(self.session_id, self.master)
            keys.learn_session(self.ticket, self.master)
