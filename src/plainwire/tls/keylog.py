"""Key logs in Wireshark's format: secrets by client random, or by session id in the form of 2013.

Lines (https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-02.html):

* ``CLIENT_RANDOM <64 hex> <96 hex>``: the master secret of TLS 1.2 and before;
* ``CLIENT_TRAFFIC_SECRET_0 <64 hex> <hex>`` and its like: TLS 1.3;
* ``RSA Session-ID:<hex> Master-Key:<96 hex>``: by the session id that the server gave.

Everything else is counted and passed over: one bad line costs no good one.
"""

from __future__ import annotations

import re

MASTER_SECRET = "CLIENT_RANDOM"  # noqa: S105 - a label
TLS13_LABELS = frozenset(
    {
        "CLIENT_EARLY_TRAFFIC_SECRET",
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
        "EARLY_EXPORTER_SECRET",
        "EXPORTER_SECRET",
    }
)
_LINE = re.compile(rb"([A-Z0-9_]{3,40}) ([0-9a-fA-F]{64}) ([0-9a-fA-F]{64,128})")
_RSA = re.compile(rb"RSA Session-ID:([0-9a-fA-F]{0,64}) Master-Key:([0-9a-fA-F]{96})")
_MASTER_SIZE = 48
_MOST_SECRETS = 4_000_000


class KeyLog:
    """Secrets, looked up by label and client random. Its ``repr`` and its errors never show one."""

    __slots__ = ("_by_random", "_by_session", "bad_lines", "lines")

    def __init__(self) -> None:
        self._by_random: dict[tuple[str, bytes], bytes] = {}
        self._by_session: dict[bytes, bytes] = {}
        self.lines = 0
        self.bad_lines = 0

    def __repr__(self) -> str:
        return f"<KeyLog of {self.lines} lines>"

    def add(self, text: bytes) -> None:
        """Take the lines of a key log file or block."""
        for line in text.splitlines():
            stripped = line.strip()
            if not stripped or stripped.startswith(b"#"):
                continue
            if not self._add_line(stripped):
                self.bad_lines += 1

    def _add_line(self, line: bytes) -> bool:
        if self.lines >= _MOST_SECRETS:
            return False
        if match := _LINE.fullmatch(line):
            label = match[1].decode("ascii")
            secret = bytes.fromhex(match[3].decode("ascii")) if len(match[3]) % 2 == 0 else b""
            if label == MASTER_SECRET and len(secret) != _MASTER_SIZE:
                return False
            if label != MASTER_SECRET and (label not in TLS13_LABELS or len(secret) not in (32, 48, 64)):
                return False
            self._by_random[label, bytes.fromhex(match[2].decode("ascii"))] = secret
        elif match := _RSA.fullmatch(line):
            session = bytes.fromhex(match[1].decode("ascii")) if len(match[1]) % 2 == 0 else b""
            if session:
                self._by_session[session] = bytes.fromhex(match[2].decode("ascii"))
        else:
            return False
        self.lines += 1
        return True

    def secret(self, label: str, client_random: bytes) -> bytes | None:
        """The secret that a line with this label gives for a ClientHello."""
        return self._by_random.get((label, client_random))

    def has(self, client_random: bytes) -> bool:
        """Whether any line is about this ClientHello."""
        return any((label, client_random) in self._by_random for label in (MASTER_SECRET, *TLS13_LABELS))

    def master_secret(self, client_random: bytes, session_id: bytes) -> bytes | None:
        """The master secret of a TLS 1.2 session, by client random, else by session id."""
        found = self._by_random.get((MASTER_SECRET, client_random))
        if found is None and session_id:
            found = self._by_session.get(session_id)
        return found

    def learn_session(self, session_id: bytes, master_secret: bytes) -> None:
        """Remember a session for connections that resume it by its id (RFC 5246 section 7.4.1.2)."""
        if session_id and len(self._by_session) < _MOST_SECRETS:
            self._by_session.setdefault(session_id, master_secret)
