"""Key logs in Wireshark's format: secrets by client random, or by what else names a connection.

Lines (RFC 9850, and https://wiki.wireshark.org/TLS for those of before):

* ``CLIENT_RANDOM <client random> <master secret>``: TLS 1.2 and before;
* ``CLIENT_TRAFFIC_SECRET_0 <client random> <secret>`` and its like: TLS 1.3; in drafts with ``QUIC_`` before;
* ``PMS_CLIENT_RANDOM <client random> <premaster secret>``;
* ``RSA <first 8 bytes of the encrypted premaster secret> <premaster secret>``;
* ``RSA Session-ID:<session id> Master-Key:<master secret>``;
* ``ECH_SECRET`` and ``ECH_CONFIG``, by the client random of the outer ClientHello: see ``ech``.

* ``PLAINWIRE_CLIENT_WRITE_KEY <client random> <keys>``, and SERVER: our own, of TLS 1.2, see ``joining``.

Lines of no known form are counted and skipped: one bad line does not cost a good one. Lines whose label is of
no use for decryption (``EXPORTER_SECRET``), or is unknown, are not bad (RFC 9850 section 2 expects new
labels), but they are not kept.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from typing import TYPE_CHECKING

from plainwire import kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire._kernel import KeyLines
    from plainwire.tls.private_key import PrivateKeys

MASTER_SECRET = "CLIENT_RANDOM"  # noqa: S105 - a label
TLS13_LABELS = frozenset(
    {
        "CLIENT_EARLY_TRAFFIC_SECRET",
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
    }
)
_OF_TLS13 = (
    b"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    b"SERVER_HANDSHAKE_TRAFFIC_SECRET",
    b"CLIENT_TRAFFIC_SECRET_0",
    b"SERVER_TRAFFIC_SECRET_0",
)
WRITE_KEYS = ("PLAINWIRE_CLIENT_WRITE_KEY", "PLAINWIRE_SERVER_WRITE_KEY")
ECH_LABELS = ("ECH_SECRET", "ECH_CONFIG")
_PREMASTER = "PMS_CLIENT_RANDOM"
_LABEL = re.compile(rb"[A-Z][A-Z0-9_]{1,38}[A-Z0-9]")
_RSA = re.compile(
    rb"RSA\s+(?:(?P<encrypted>[0-9a-fA-F]{16})\s+(?P<premaster>(?:[0-9a-fA-F]{2}){1,4096})"
    rb"|Session-ID:(?P<session>(?:[0-9a-fA-F]{2}){0,32})\s+Master-Key:(?P<master>[0-9a-fA-F]{96}))"
)
_RANDOM_SIZE = 32
_MASTER_SIZES = frozenset({48})
_TRAFFIC_SIZES = frozenset({32, 48, 64})
_WRITE_SIZES = frozenset({16 + 4 + 8, 32 + 4 + 8})
_ANY_SIZE = range(1, 4097)
_SIZES: dict[bytes, frozenset[int] | range] = {
    MASTER_SECRET.encode(): _MASTER_SIZES,
    _PREMASTER.encode(): _ANY_SIZE,
    **{label.encode(): _WRITE_SIZES for label in WRITE_KEYS},
    **{label.encode(): _TRAFFIC_SIZES for label in TLS13_LABELS},
    **{b"QUIC_" + label.encode(): _TRAFFIC_SIZES for label in TLS13_LABELS},
    **{label.encode(): _ANY_SIZE for label in ECH_LABELS},
}
_MOST_SECRETS = 4_000_000
_SHORT = 1 << 10
"""Bytes of a text in which it pays not to look for runs of plain lines."""
_MOST_CANDIDATES = 8
_SEARCHED = b"SERVER_HANDSHAKE_TRAFFIC_SECRET"
_MOST_SEARCHES = 1 << 14  # client randoms that all connections together may try: see ``search``
_MOST_JOINS = 1 << 17  # secrets that all connections together may try: see ``joining``; some 20 us each

_Stored = bytes | tuple[bytes, ...]


def in_utf8(text: bytes) -> bytes:
    """A key log's text, which may be in UTF-16 and begin with a byte order mark: as PowerShell writes it."""
    if text[:2] + text[3:4] == b"\xff\xfe\0":
        text = text.decode("utf-16", "replace").encode("utf-8", "replace")
    return text.removeprefix(b"\xef\xbb\xbf")


class KeyLog:
    """Secrets, looked up by label and client random. Its ``repr`` and its errors never show one.

    ``private_keys`` and ``psks`` are what the user knows beyond the lines: servers' keys, pre-shared keys.
    """

    __slots__ = (
        "_by_label",
        "_by_session",
        "_encrypted",
        "_file",
        "_of_tls13",
        "_private_keys",
        "_secrets",
        "bad_lines",
        "claimed",
        "cut",
        "files",
        "joins_left",
        "lines",
        "psks",
        "searches_left",
    )

    def __init__(self) -> None:
        self._by_label: dict[bytes, dict[bytes, _Stored]] = {label: {} for label in _SIZES}
        for label in TLS13_LABELS:
            self._by_label[b"QUIC_" + label.encode()] = self._by_label[label.encode()]
        self._secrets = [known for label, known in self._by_label.items() if label.decode() not in ECH_LABELS]
        self._of_tls13 = [self._by_label[label] for label in _OF_TLS13]
        self._by_session: dict[bytes, _Stored] = {}
        self._encrypted: dict[bytes, _Stored] = {}
        self._private_keys: PrivateKeys | None = None
        self.psks: list[bytes] = []
        self.claimed: set[bytes] = set()  # client randoms of connections that were seen
        self.searches_left = _MOST_SEARCHES
        self.joins_left = _MOST_JOINS
        self.lines = 0
        self.bad_lines = 0
        self.files: dict[str, set[bytes]] = {}
        """The client randoms that each file has lines for, by its name."""
        self._file: set[bytes] | None = None
        self.cut: list[str] = []  # of which files not all was read, and why

    @property
    def private_keys(self) -> PrivateKeys:
        """The servers' private keys. Made on first use: the import is slow, and few users have any."""
        if self._private_keys is None:
            from plainwire.tls.private_key import PrivateKeys  # noqa: PLC0415

            self._private_keys = PrivateKeys()
        return self._private_keys

    @property
    def has_private_keys(self) -> bool:
        """Whether the user gave any."""
        return self._private_keys is not None

    def __repr__(self) -> str:
        return f"<KeyLog of {self.lines} lines>"

    @property
    def tried(self) -> float:
        """How much was tried of what may be, 1 for all."""
        return max(1 - self.searches_left / _MOST_SEARCHES, 1 - self.joins_left / _MOST_JOINS)

    def begin(self, name: str | None) -> None:
        """What is added from here on stands in this file; None: in the capture itself."""
        self._file = None if name is None else self.files.setdefault(name, set())

    def add(self, text: bytes) -> None:
        """Take the lines of a key log file or block."""
        text, at = in_utf8(text), 0
        plain = self._plain_lines() if len(text) > _SHORT else None
        while at < len(text):
            end = len(text)
            if plain is not None:
                taken, at = plain.take(text, at, _MOST_SECRETS - self.lines, self._file)
                self.lines += taken
                end = text.find(b"\n", at) + 1 or end
            for line in text[at:end].splitlines():
                words = line.split()
                if words and not words[0].startswith(b"#") and not self._add_line(line, words):
                    self.bad_lines += 1
            at = end

    def _plain_lines(self) -> KeyLines | None:
        """What takes runs of plain lines."""
        if kernel.compiled is None:
            return None
        sizes = {label: list(of) if isinstance(of, frozenset) else [] for label, of in _SIZES.items()}
        tables = [(label, known, sizes.get(label, [])) for label, known in self._by_label.items()]
        made: KeyLines = kernel.compiled.KeyLines(tables, _MOST_SECRETS)
        return made

    def _add_line(self, line: bytes, words: list[bytes]) -> bool:
        if self.lines >= _MOST_SECRETS:
            return False
        taken = self._by_random(*words) if len(words) == 3 else None
        if taken is None:
            taken = self._by_other(line.strip())
        self.lines += taken
        return taken

    def _by_random(self, label: bytes, random_hex: bytes, secret_hex: bytes) -> bool | None:
        """Take a line with a client random; None where the line may be of another form."""
        known = self._by_label.get(label)
        if known is None and (label == b"RSA" or not _LABEL.fullmatch(label)):
            return None
        try:
            client_random, secret = unhexlify(random_hex), unhexlify(secret_hex)
        except ValueError:
            return False
        if len(client_random) != _RANDOM_SIZE:
            return False
        if known is None:
            return True  # a label of others
        if len(secret) not in _SIZES[label]:
            return False
        if self._file is not None:
            self._file.add(client_random)
        return _remember(known, client_random, secret)

    def _by_other(self, line: bytes) -> bool:
        match = _RSA.fullmatch(line)
        if match is None:
            return False
        if match["encrypted"]:
            return _remember(self._encrypted, _unhex(match["encrypted"]), _unhex(match["premaster"]))
        return not match["session"] or _remember(
            self._by_session, _unhex(match["session"]), _unhex(match["master"])
        )

    def secrets(self, label: str, client_random: bytes) -> list[bytes]:
        """The secrets that lines with this label give for a ClientHello; the last line's first."""
        return _listed(self._by_label.get(label.encode(), {}).get(client_random))

    def of_tls13(self, client_random: bytes) -> tuple[bytes, bytes, bytes, bytes] | None:
        """The secrets of a handshake and what follows it (``_OF_TLS13``); None unless each is there once."""
        first, second, third, fourth = (known.get(client_random) for known in self._of_tls13)
        if not (isinstance(first, bytes) and isinstance(second, bytes)):
            return None
        if not (isinstance(third, bytes) and isinstance(fourth, bytes)):
            return None
        return first, second, third, fourth

    @property
    def tables_of_tls13(self) -> list[dict[bytes, _Stored]]:
        """What ``of_tls13`` looks into, in its order; they grow."""
        return self._of_tls13

    def has(self, client_random: bytes) -> bool:
        """Whether any line gives a secret for this ClientHello."""
        return any(client_random in known for known in self._secrets)

    def claim(self, client_random: bytes) -> None:
        """A connection has sent this client random: its lines belong to no other connection."""
        if client_random in self._by_label[_SEARCHED]:
            self.claimed.add(client_random)

    def randoms(self, label: str) -> Iterator[bytes]:
        """The client randoms of the lines with this label."""
        return iter(self._by_label.get(label.encode(), {}))

    def master_secrets(self, client_random: bytes, session_id: bytes) -> list[bytes]:
        """Master secrets of SSL 3.0 to TLS 1.2: by client random, then session id; the last line's first."""
        found = self.secrets(MASTER_SECRET, client_random)
        return found + _listed(self._by_session.get(session_id)) if session_id else found

    def premasters(self, client_random: bytes, encrypted: bytes) -> list[bytes]:
        """Premaster secrets: by client random, then by their RSA encryption (empty: no RSA key exchange)."""
        found = self.secrets(_PREMASTER, client_random)
        return found + _listed(self._encrypted.get(encrypted[:8])) if encrypted else found

    def learn_session(self, session_id: bytes, master_secret: bytes) -> None:
        """Remember a session for connections that resume it by its id (RFC 5246 section 7.4.1.2)."""
        if session_id:
            _remember(self._by_session, session_id, master_secret)


def _unhex(text: bytes) -> bytes:
    return unhexlify(text)


def _remember(known: dict[bytes, _Stored], key: bytes, secret: bytes) -> bool:
    """Keep a secret, ahead of others under the same key; False if there are too many keys."""
    before = known.get(key)
    if before is None:
        if len(known) >= _MOST_SECRETS:
            return False
        known[key] = secret
    elif before != secret:
        others = [each for each in _listed(before) if each != secret]
        known[key] = (secret, *others[: _MOST_CANDIDATES - 1])
    return True


def _listed(stored: _Stored | None) -> list[bytes]:
    if stored is None:
        return []
    return [stored] if isinstance(stored, bytes) else list(stored)
