"""The handshakes of a session, in all versions: what each message changes.

A message that needs the other direction's hello waits for it, with everything that follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Side
from plainwire.tls import certificate, handshake_messages, joining, suites
from plainwire.tls.handshake_messages import TLS13
from plainwire.tls.joining import WRITE_NONCES
from plainwire.tls.keylog import WRITE_KEYS
from plainwire.tls.negotiation import Negotiation
from plainwire.tls.reasons import NO_HANDSHAKE
from plainwire.tls.tls13_keys import APPLICATION_SECRETS, HANDSHAKE_SECRETS

if TYPE_CHECKING:
    from plainwire.tls.record_cipher import RecordCipher
    from plainwire.tls.session_state import SessionState
    from plainwire.tls.tls13_keys import Tls13Keys
    from plainwire.tls.tls_direction import TlsDirection

_MOST_HANDSHAKE = 1 << 20
_MOST_ISSUERS = 4
_HELLO_REQUEST, _CLIENT_HELLO, _SERVER_HELLO, _NEW_SESSION_TICKET, _END_OF_EARLY_DATA = 0, 1, 2, 4, 5
_HELLO_RETRY_REQUEST, _ENCRYPTED_EXTENSIONS = 6, 8
_CERTIFICATE, _SERVER_KEY_EXCHANGE, _CERTIFICATE_REQUEST, _SERVER_HELLO_DONE = 11, 12, 13, 14
_CLIENT_KEY_EXCHANGE, _FINISHED, _CERTIFICATE_STATUS, _KEY_UPDATE, _COMPRESSED = 16, 20, 22, 24, 25
_OF_THE_SESSION_HASH = (
    frozenset({_CERTIFICATE, _CLIENT_KEY_EXCHANGE}),
    frozenset(
        {
            _SERVER_HELLO,
            _CERTIFICATE,
            _CERTIFICATE_STATUS,
            _SERVER_KEY_EXCHANGE,
            _CERTIFICATE_REQUEST,
            _SERVER_HELLO_DONE,
        }
    ),
)


class Handshaking:
    """Reads handshake messages, and changes the session's state and its keys as they say."""

    def __init__(self, state: SessionState, tls13: Tls13Keys) -> None:
        self._state = state
        self._info = state.info
        self._keys = state.keys
        self._first = state.first
        self._tls13 = tls13

    def change_cipher_spec(self, direction: TlsDirection) -> bool:
        """Take a ChangeCipherSpec; False if it must wait."""
        negotiation = direction.negotiation
        if negotiation.version == TLS13 or negotiation.retry:
            return True  # means nothing (RFC 8446 section 5)
        if not negotiation.client_random:
            self._tls13.give_up(direction, NO_HANDSHAKE)
            return True
        if not negotiation.version:
            return False  # the client's early one: wait for the ServerHello
        if direction.side == Side.SERVER:
            self._info.resumed = not negotiation.full
        if negotiation.unsupported:
            self._tls13.give_up(direction, negotiation.unsupported)
            return True
        pair = negotiation.ciphers(self._keys)
        cipher = pair[direction.side] if pair is not None else self._by_write_key(direction)
        if cipher is not None:
            direction.cipher, direction.done = cipher, False
        return cipher is not None

    def _by_write_key(self, direction: TlsDirection) -> RecordCipher | None:
        """The cipher by the key itself, where that was found in the program's memory (``joining``)."""
        suite, random = direction.negotiation.suite, direction.negotiation.client_random
        for secret in self._keys.secrets(WRITE_KEYS[direction.side], random):
            if suite is not None and suite.kind == "gcm" and len(secret) == suite.key + WRITE_NONCES:
                return joining.of_tls12(secret)
        return None

    def clear(self, direction: TlsDirection, body: bytes) -> None:
        """Take a record of handshake messages in plain text."""
        beginning = not direction.messages and not direction.negotiation.client_random
        if beginning and body[:1] not in (b"\0", b"\1", b"\2", b"\6"):
            self._tls13.give_up(direction, NO_HANDSHAKE)
        else:
            self.add(direction, body)

    def add(self, direction: TlsDirection, text: bytes) -> None:
        """Take the contents of a record of handshake messages."""
        direction.messages += text
        self.messages(direction)

    def messages(self, direction: TlsDirection) -> bool:
        """Take complete messages (a record may hold several, or part of one); False if one must wait."""
        while len(direction.messages) >= 4 and not direction.dead:
            size = 4 + int.from_bytes(direction.messages[1:4], "big")
            if size > _MOST_HANDSHAKE:
                impossible = "a handshake message has an impossible length"
                self._tls13.give_up(
                    direction, impossible if direction.negotiation.client_random else NO_HANDSHAKE
                )
                return True
            if len(direction.messages) < size:
                return True
            whole = direction.messages[:size]
            if not self._message(direction, whole[0], whole):
                return False
            direction.messages = direction.messages[size:]
        return True

    def _message(self, direction: TlsDirection, kind: int, whole: bytes) -> bool:
        """Take a message; False if it must wait for the other direction."""
        body = whole[4:]
        if direction.side == Side.CLIENT:
            if kind == _CLIENT_HELLO:
                return self.client_hello(direction, handshake_messages.parse_hello(body, client=True), whole)
            if not direction.negotiation.version and not self._state.closing:
                return False
            self._from_client(direction, kind, body)
        elif kind == _SERVER_HELLO:
            if not self._server_hello(direction, body):
                return False
        elif kind == _HELLO_RETRY_REQUEST:  # of drafts; RFC 8446 made it a ServerHello
            direction.negotiation.retry = direction.negotiation.retried = self._info.hello_retry = True
        else:
            self._from_server(direction, kind, body)
        negotiation = direction.negotiation
        if kind in _OF_THE_SESSION_HASH[direction.side] and not negotiation.authenticated:
            negotiation.remember(1 + (direction.side == Side.CLIENT), whole)
        if kind == _FINISHED:
            self._finished(direction)
        elif kind == _KEY_UPDATE and negotiation.version == TLS13:
            self._tls13.key_update(direction)
        return True

    def _from_client(self, direction: TlsDirection, kind: int, body: bytes) -> None:
        tls13 = direction.negotiation.version == TLS13
        if kind == _CERTIFICATE:
            own = handshake_messages.first_certificate(body, tls13=tls13)
            self._info.client_certificate = self._info.client_certificate or own
            self._info.certificate_withheld = not self._info.client_certificate
            self._info.client_chain = handshake_messages.chain_length(body, tls13=tls13)
            if tls13 and direction.done:
                self._state.note_later(direction, "certificate" if own else "empty_certificate")
        elif kind == _CLIENT_KEY_EXCHANGE and not direction.negotiation.authenticated:
            direction.negotiation.key_exchange = body
        elif kind == _END_OF_EARLY_DATA and tls13:
            self._tls13.install(direction, HANDSHAKE_SECRETS[Side.CLIENT])

    def _from_server(self, direction: TlsDirection, kind: int, body: bytes) -> None:
        negotiation = direction.negotiation
        tls13 = negotiation.version == TLS13
        if direction.done and kind == (_CERTIFICATE_REQUEST if tls13 else _HELLO_REQUEST):
            self._state.note_later(direction, "certificate_request" if tls13 else "hello_request")
        if kind == _ENCRYPTED_EXTENSIONS and tls13:
            self._tls13.encrypted_extensions(handshake_messages.extensions(body))
        elif kind == _COMPRESSED:
            kind, body = _CERTIFICATE, certificate.decompressed(body)
        elif kind in (_SERVER_KEY_EXCHANGE, _CERTIFICATE_REQUEST, _SERVER_HELLO_DONE):
            negotiation.full = True
            self._info.flight_whole |= kind == _SERVER_HELLO_DONE
            if kind == _SERVER_KEY_EXCHANGE and "_DHE_" in (self._info.cipher_suite or ""):
                self._info.dh_bits = handshake_messages.prime_bits(body)
            elif kind == _CERTIFICATE_REQUEST and not direction.done:
                self._info.certificate_asked = True
                self._info.authorities = handshake_messages.authorities(body, negotiation.version)
        elif kind == _NEW_SESSION_TICKET and not tls13:
            negotiation.ticket = handshake_messages.ticket(body)
            if negotiation.authenticated:
                negotiation.settle(self._keys)
        self._info.stapled |= kind == _CERTIFICATE_STATUS
        if kind == _CERTIFICATE:
            self._server_certificate(negotiation, body)

    def _server_certificate(self, negotiation: Negotiation, body: bytes) -> None:
        tls13 = negotiation.version == TLS13
        negotiation.full = True
        negotiation.certificate = handshake_messages.first_certificate(body, tls13=tls13)
        self._info.certificate = self._info.certificate or negotiation.certificate
        self._info.stapled |= handshake_messages.is_stapled(body, tls13=tls13)
        self._info.issuers = self._info.issuers or handshake_messages.issuers(
            body, _MOST_ISSUERS, tls13=tls13
        )
        self._info.chain = self._info.chain or handshake_messages.chain_length(body, tls13=tls13)

    def client_hello(
        self, direction: TlsDirection, hello: handshake_messages.Hello | None, whole: bytes
    ) -> bool:
        """Take a ClientHello; False if it must wait."""
        if hello is None:
            self._tls13.give_up(direction, "the ClientHello is damaged")
            return True
        negotiation = direction.negotiation
        if negotiation.version:
            if not direction.done or negotiation.version == TLS13:
                self._tls13.give_up(direction, "a ClientHello in the middle of the handshake")
                return True
            self._state.note_later(direction, "client_hello")
            negotiation.next = direction.negotiation = following = Negotiation()
            following.seekable = negotiation.seekable  # the cipher stays until its ChangeCipherSpec
            negotiation = following
        elif negotiation.client_random and not negotiation.retry and negotiation is self._first:
            return False  # how the server responds to the first one is not known yet
        negotiation.client_hello(hello, whole[4:])
        self._keys.claim(hello.random)
        negotiation.remember(0, whole)
        if negotiation is self._first:
            self._info.client_random = hello.random
            self._info.server_name = hello.server_name
            self._info.newest_offered = handshake_messages.newest_version(hello)
            self._info.status_requested = handshake_messages.STATUS_REQUEST in hello.extensions
            self._info.alpn_offered = handshake_messages.alpn_names(
                hello.extensions.get(handshake_messages.ALPN, b"")
            )
            self._info.post_handshake_auth = handshake_messages.POST_HANDSHAKE_AUTH in hello.extensions
            self._info.encrypted_client_hello = "offered" if negotiation.outer else None
        return True

    def _server_hello(self, direction: TlsDirection, body: bytes) -> bool:
        hello = handshake_messages.parse_hello(body, client=False)
        if hello is None:
            self._tls13.give_up(direction, "the ServerHello is damaged")
            return True
        negotiation = direction.negotiation
        if negotiation.version:
            if negotiation.next is None:
                return False  # the client's hello for this one has not been read
            self._info.renegotiations += 1
            direction.negotiation, negotiation.next = negotiation.next, None
            negotiation = direction.negotiation
        if (negotiation.retry or not negotiation.client_random) and not self._state.closing:
            return False
        if hello.random == handshake_messages.HELLO_RETRY_REQUEST:
            negotiation.retry = negotiation.retried = self._info.hello_retry = True
            return True
        negotiation.server_hello(hello)
        self._agreed(negotiation, hello)
        return True

    def _agreed(self, negotiation: Negotiation, hello: handshake_messages.Hello) -> None:
        self._info.version = handshake_messages.version_name(hello.chosen_version)
        self._info.cipher_suite = suites.name(hello.suites[0])
        if negotiation.version != TLS13:
            self._info.alpn = hello.alpn or self._info.alpn
            self._info.extended_master_secret = bool(negotiation.settings["extended"])
            return
        self._info.resumed = handshake_messages.PRE_SHARED_KEY in hello.extensions
        if not negotiation.unsupported:
            self._tls13.begin(negotiation)

    def _finished(self, direction: TlsDirection) -> None:
        tls13 = direction.negotiation.version == TLS13
        if direction.cipher is None or (direction.done and tls13):
            return  # not sealed: none; of an authentication later on: keys stay (RFC 8446 section 4.6.2)
        self._state.done(direction)
        if tls13:
            self._tls13.install(direction, APPLICATION_SECRETS[direction.side])
