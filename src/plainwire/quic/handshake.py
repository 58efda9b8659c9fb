"""The TLS handshake inside CRYPTO frames: what of it QUIC's keys and facts need. RFC 9001 section 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Gap, Side, TlsInfo
from plainwire.quic import parameters
from plainwire.quic.protection import usable
from plainwire.quic.reassembly import Reassembly, Room
from plainwire.tls import handshake, suites

if TYPE_CHECKING:
    from plainwire.quic.frames import Crypto
    from plainwire.quic.parameters import Parameters
    from plainwire.quic.versions import Form
    from plainwire.tls.suites import Suite

_CLIENT_HELLO, _SERVER_HELLO, _ENCRYPTED_EXTENSIONS, _FINISHED = 1, 2, 8, 20
_TLS13 = 0x0304
_MOST_WAITING = 256 << 10
_LONGEST_MESSAGE = 1 << 20


class _Messages:
    """The CRYPTO stream of one side at one level, cut into handshake messages (RFC 8446 section 4)."""

    __slots__ = ("_buffer", "_dead", "_stream")

    def __init__(self, side: Side) -> None:
        self._stream = Reassembly(side, Room(_MOST_WAITING))
        self._buffer = b""
        self._dead = False

    def feed(self, frame: Crypto, packet: int, time_ns: int) -> list[tuple[int, bytes]]:
        """Types and bodies of the messages that are complete now."""
        self._stream.feed(frame.offset, frame.data, packet, time_ns)
        texts, self._stream.texts = self._stream.texts, []
        for text in texts:
            if isinstance(text, Gap):
                self._dead = True
            else:
                self._buffer += text[0]
        found: list[tuple[int, bytes]] = []
        while not self._dead and len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[1:4], "big")
            self._dead = size > _LONGEST_MESSAGE
            if len(self._buffer) < 4 + size:
                break
            found.append((self._buffer[0], self._buffer[4 : 4 + size]))
            self._buffer = self._buffer[4 + size :]
        if self._dead:
            self._buffer = b""
        return found


class Handshake:
    """Reads both sides' handshake messages into ``info`` and what else following the connection needs."""

    def __init__(self) -> None:
        self.info = TlsInfo()
        self.suite: Suite | None = None
        self.unsupported = ""
        """The chosen suite's name where it cannot be read."""
        self.offered: list[Suite] = []
        """Suites of the ClientHello that could be read."""
        self.offered_alpn: str | None = None
        """The only protocol that the client offers, if it is only one."""
        self.early_offered = False
        self.early_accepted: bool | None = None
        self.parameters: list[Parameters | None] = [None, None]
        self._messages: dict[tuple[Form, Side], _Messages] = {}

    @property
    def random(self) -> bytes:
        """The client random; empty while no ClientHello was read."""
        return self.info.client_random

    def restart(self, form: Form) -> None:
        """The client began again, under other Initial keys (Retry, Version Negotiation)."""
        for key in [key for key in self._messages if key[0] is form]:
            del self._messages[key]

    def feed(self, form: Form, side: Side, frame: Crypto, packet: int, time_ns: int) -> bool:
        """Take a CRYPTO frame; whether something came of it."""
        messages = self._messages.get((form, side))
        if messages is None:
            messages = self._messages[form, side] = _Messages(side)
        found = messages.feed(frame, packet, time_ns)
        for kind, body in found:
            self._take(side, kind, body)
        return bool(found)

    def _take(self, side: Side, kind: int, body: bytes) -> None:
        if kind == _CLIENT_HELLO and side is Side.CLIENT:
            self._client_hello(body)
        elif kind == _SERVER_HELLO and side is Side.SERVER:
            self._server_hello(body)
        elif kind == _ENCRYPTED_EXTENSIONS and side is Side.SERVER:
            self._encrypted_extensions(body)
        elif kind == _FINISHED and side is Side.CLIENT:
            self.info.handshake_complete = True

    def _client_hello(self, body: bytes) -> None:
        hello = handshake.parse_hello(body, client=True)
        if hello is None or len(hello.random) != 32:
            return
        self.info.client_random = hello.random
        self.info.server_name = hello.server_name
        found = [suites.lookup(_TLS13, number) for number in dict.fromkeys(hello.suites)]
        self.offered = [suite for suite in found if suite is not None and usable(suite)]
        names = hello.extensions.get(handshake.ALPN, b"")
        first = hello.alpn
        self.offered_alpn = first if len(names) == 3 + len(first or "") else None
        self.early_offered = handshake.EARLY_DATA in hello.extensions
        self._parameters(Side.CLIENT, hello.extensions)

    def _server_hello(self, body: bytes) -> None:
        hello = handshake.parse_hello(body, client=False)
        if hello is None:
            return
        info = self.info
        info.version = handshake.VERSIONS.get(hello.chosen_version, f"0x{hello.chosen_version:04X}")
        info.cipher_suite = suites.name(hello.suites[0])
        suite = suites.lookup(_TLS13, hello.suites[0])
        self.suite = suite if usable(suite) else None
        self.unsupported = (
            "" if self.suite is not None else f"cipher suite {info.cipher_suite} is not supported"
        )
        if hello.random == handshake.HELLO_RETRY_REQUEST:
            self.early_accepted = False if self.early_offered else None
            return
        info.resumed = handshake.PRE_SHARED_KEY in hello.extensions
        if not info.resumed and self.early_offered:
            self.early_accepted = False

    def _encrypted_extensions(self, body: bytes) -> None:
        extensions = handshake.extensions(body)
        self.info.alpn = handshake.alpn(extensions.get(handshake.ALPN, b""))
        if self.early_offered:
            self.early_accepted = handshake.EARLY_DATA in extensions
        self._parameters(Side.SERVER, extensions)

    def _parameters(self, side: Side, extensions: dict[int, bytes]) -> None:
        for number in parameters.EXTENSIONS:
            if number in extensions:
                self.parameters[side] = parameters.parse(extensions[number])
                return
