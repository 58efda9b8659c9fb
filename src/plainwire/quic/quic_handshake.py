"""The TLS handshake in CRYPTO frames: what QUIC's keys and facts need of it. RFC 9001 section 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Gap, Side, TlsInfo
from plainwire.quic import parameters
from plainwire.quic.protection import usable
from plainwire.quic.reassembly import Reassembly, Room
from plainwire.tls import certificate, handshake_messages, suites

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.quic.frames import Crypto
    from plainwire.quic.parameters import Parameters
    from plainwire.quic.versions import Form
    from plainwire.tls.suites import Suite

_CLIENT_HELLO, _SERVER_HELLO, _ENCRYPTED_EXTENSIONS = 1, 2, 8
_CERTIFICATE, _FINISHED, _COMPRESSED_CERTIFICATE = 11, 20, 25
_TLS13 = 0x0304
_MOST_WAITING = 256 << 10
_LONGEST_MESSAGE = 1 << 20


class _Messages:
    """The CRYPTO stream of one side at one level, split into handshake messages (RFC 8446 section 4)."""

    __slots__ = ("_buffer", "_dead", "_stream")

    def __init__(self, side: Side) -> None:
        self._stream = Reassembly(side, Room(_MOST_WAITING))
        self._buffer = b""
        self._dead = False

    def feed(self, frame: Crypto, packet: int, time_ns: int) -> list[tuple[int, bytes]]:
        """Give types and bodies of the messages that are now complete."""
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
    """Reads both sides' handshake messages into ``info`` and what else is needed to follow the connection.

    ``claim`` is called with each client random on the wire: the key log's lines for it belong to nobody else.
    """

    def __init__(self, claim: Callable[[bytes], None] = lambda _: None) -> None:
        self._claim = claim
        self.info = TlsInfo()
        self.suite: Suite | None = None
        self.unsupported = ""
        """The chosen suite's name where it cannot be read."""
        self.offered: list[Suite] = []
        """Suites of the ClientHello that could be read."""
        self.early_offered = False
        self.parameters: list[Parameters | None] = [None, None]
        self._messages: dict[tuple[Form, Side], _Messages] = {}

    @property
    def random(self) -> bytes:
        """The client random; empty until a ClientHello has been read."""
        return self.info.client_random

    def restart(self, form: Form) -> None:
        """The client starts over with other Initial keys (Retry, Version Negotiation)."""
        for key in [key for key in self._messages if key[0] is form]:
            del self._messages[key]

    def feed(self, form: Form, side: Side, frame: Crypto, packet: int, time_ns: int) -> bool:
        """Take a CRYPTO frame; True if it completed a message."""
        messages = self._messages.get((form, side))
        if messages is None:
            messages = self._messages[form, side] = _Messages(side)
        found = messages.feed(frame, packet, time_ns)
        for kind, body in found:
            self._take(side, kind, body)
            if kind == _CLIENT_HELLO and self.info.began_ns is None:
                self.info.began_ns = time_ns
            elif kind == _FINISHED and side is Side.CLIENT and self.info.finished_ns is None:
                self.info.finished_ns = time_ns
        return bool(found)

    @property
    def alpn(self) -> str | None:
        """The protocol that the server chose; if that could not be read, the only one offered."""
        offered = self.info.alpn_offered
        return self.info.alpn or (offered[0] if len(offered) == 1 else None)

    def _take(self, side: Side, kind: int, body: bytes) -> None:
        info = self.info
        if kind == _COMPRESSED_CERTIFICATE:
            kind, body = _CERTIFICATE, certificate.decompressed(body)
        if kind == _CERTIFICATE:
            found = handshake_messages.first_certificate(body, tls13=True)
            if side is Side.SERVER:
                info.certificate = info.certificate or found
            else:
                info.client_certificate = info.client_certificate or found
        elif kind == _CLIENT_HELLO and side is Side.CLIENT:
            self._client_hello(body)
        elif kind == _SERVER_HELLO and side is Side.SERVER:
            self._server_hello(body)
        elif kind == _ENCRYPTED_EXTENSIONS and side is Side.SERVER:
            self._encrypted_extensions(body)
        elif kind == _FINISHED and side is Side.CLIENT:
            info.handshake_complete = True

    def _client_hello(self, body: bytes) -> None:
        hello = handshake_messages.parse_hello(body, client=True)
        if hello is None or len(hello.random) != 32:
            return
        info = self.info
        info.client_random = hello.random
        self._claim(hello.random)
        info.server_name = hello.server_name
        info.alpn_offered = handshake_messages.alpn_names(hello.extensions.get(handshake_messages.ALPN, b""))
        if handshake_messages.ENCRYPTED_CLIENT_HELLO in hello.extensions:
            info.encrypted_client_hello = "offered"
        found = [suites.lookup(_TLS13, number) for number in dict.fromkeys(hello.suites)]
        self.offered = [suite for suite in found if suite is not None and usable(suite)]
        self.early_offered = handshake_messages.EARLY_DATA in hello.extensions or self.early_offered
        self._parameters(Side.CLIENT, hello.extensions)

    def _server_hello(self, body: bytes) -> None:
        hello = handshake_messages.parse_hello(body, client=False)
        if hello is None:
            return
        info = self.info
        info.version = handshake_messages.version_name(hello.chosen_version)
        info.cipher_suite = suites.name(hello.suites[0])
        suite = suites.lookup(_TLS13, hello.suites[0])
        self.suite = suite if usable(suite) else None
        self.unsupported = (
            "" if self.suite is not None else f"cipher suite {info.cipher_suite} is not supported"
        )
        if hello.random == handshake_messages.HELLO_RETRY_REQUEST:
            info.hello_retry = True
        else:
            info.resumed = handshake_messages.PRE_SHARED_KEY in hello.extensions
        if self.early_offered and not info.resumed:
            info.early_data = "rejected"

    def _encrypted_extensions(self, body: bytes) -> None:
        extensions = handshake_messages.extensions(body)
        self.info.alpn = handshake_messages.alpn(extensions.get(handshake_messages.ALPN, b""))
        if self.early_offered:
            self.info.early_data = "accepted" if handshake_messages.EARLY_DATA in extensions else "rejected"
        self._parameters(Side.SERVER, extensions)

    def _parameters(self, side: Side, extensions: dict[int, bytes]) -> None:
        for number in parameters.EXTENSIONS:
            if number in extensions:
                self.parameters[side] = parameters.parse(extensions[number])
                return
