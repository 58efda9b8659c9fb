"""The handshakes of a connection: what their messages change.

The half of ``session`` that reads handshake messages, of all versions; the other half reads records. A
message that needs the other direction's hello first waits, with all that is behind it.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from plainwire.model import Side, TlsInfo
from plainwire.tls import certificate, drafts, ech, handshake_messages, search, suites
from plainwire.tls.handshake_messages import TLS13
from plainwire.tls.negotiation import Negotiation
from plainwire.tls.tls_direction import TlsDirection

if TYPE_CHECKING:
    from plainwire.model import AfterwardsKind
    from plainwire.tls.ciphers import RecordCipher
    from plainwire.tls.keylog import KeyLog

_MOST_HANDSHAKE = 1 << 20
_MOST_AFTERWARDS = 64
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
NO_HANDSHAKE = "handshake not captured"
NO_SECRET = "no secret for this client random"  # noqa: S105
_EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
HANDSHAKE_SECRETS = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")
APPLICATION_SECRETS = ("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0")


class Reason(NamedTuple):
    """Why a direction cannot be read from ``offset`` on, or what could not be read there."""

    side: Side
    text: str
    offset: int


class Later(NamedTuple):
    """What was said of another handshake, by a message in the record at ``offset``: see ``Afterwards``."""

    side: Side
    kind: AfterwardsKind
    offset: int


class Handshaking(ABC):
    """The state of a connection, and what handshake messages do to it."""

    def __init__(self, keys: KeyLog) -> None:
        self.info = TlsInfo()
        self.reasons: list[Reason] = []
        self.later: list[Later] = []
        self._keys = keys
        self._first = Negotiation()
        self._sides = TlsDirection(Side.CLIENT, self._first), TlsDirection(Side.SERVER, self._first)
        self._closing = False

    @abstractmethod
    def _die(self, direction: TlsDirection, why: str) -> None:
        """Read no more of a direction, and say why."""

    def _change_cipher_spec(self, direction: TlsDirection) -> bool:
        negotiation = direction.negotiation
        if negotiation.version == TLS13 or negotiation.retry:
            return True  # means nothing (RFC 8446 section 5)
        if not negotiation.client_random:
            self._die(direction, NO_HANDSHAKE)
            return True
        if not negotiation.version:
            return False  # the client's early one: wait for the ServerHello
        if direction.side == Side.SERVER:
            self.info.resumed = not negotiation.full
        if negotiation.unsupported:
            self._die(direction, negotiation.unsupported)
            return True
        pair = negotiation.ciphers(self._keys)
        if pair is not None:
            direction.cipher, direction.done = pair[direction.side], False
        return pair is not None

    def _clear_handshake(self, direction: TlsDirection, body: bytes) -> None:
        beginning = not direction.messages and not direction.negotiation.client_random
        if beginning and body[:1] not in (b"\0", b"\1", b"\2", b"\6"):
            self._die(direction, NO_HANDSHAKE)
        else:
            self._handshake(direction, body)

    def _handshake(self, direction: TlsDirection, text: bytes) -> None:
        direction.messages += text
        self._messages(direction)

    def _messages(self, direction: TlsDirection) -> bool:
        """Take whole messages, which may be split over records or share one; False if one must wait."""
        while len(direction.messages) >= 4 and not direction.dead:
            size = 4 + int.from_bytes(direction.messages[1:4], "big")
            if size > _MOST_HANDSHAKE:
                impossible = "a handshake message has an impossible length"
                self._die(direction, impossible if direction.negotiation.client_random else NO_HANDSHAKE)
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
                return self._client_hello(direction, handshake_messages.parse_hello(body, client=True), whole)
            if not direction.negotiation.version and not self._closing:
                return False
            self._from_client(direction, kind, body)
        elif kind == _SERVER_HELLO:
            if not self._server_hello(direction, body):
                return False
        elif kind == _HELLO_RETRY_REQUEST:  # of drafts; RFC 8446 made it a ServerHello
            direction.negotiation.retry = direction.negotiation.retried = self.info.hello_retry = True
        else:
            self._from_server(direction, kind, body)
        negotiation = direction.negotiation
        if kind in _OF_THE_SESSION_HASH[direction.side] and not negotiation.authenticated:
            negotiation.remember(1 + (direction.side == Side.CLIENT), whole)
        if kind == _FINISHED:
            self._finished(direction)
        elif kind == _KEY_UPDATE and negotiation.version == TLS13:
            self._key_update(direction)
        return True

    def _from_client(self, direction: TlsDirection, kind: int, body: bytes) -> None:
        tls13 = direction.negotiation.version == TLS13
        if kind == _CERTIFICATE:
            own = handshake_messages.first_certificate(body, tls13=tls13)
            self.info.client_certificate = self.info.client_certificate or own
            if tls13 and direction.done:
                self._later(direction, "certificate" if own else "empty_certificate")
        elif kind == _CLIENT_KEY_EXCHANGE and not direction.negotiation.authenticated:
            direction.negotiation.key_exchange = body
        elif kind == _END_OF_EARLY_DATA and tls13:
            self._install(direction, HANDSHAKE_SECRETS[Side.CLIENT])

    def _from_server(self, direction: TlsDirection, kind: int, body: bytes) -> None:
        negotiation = direction.negotiation
        tls13 = negotiation.version == TLS13
        if direction.done and kind == (_CERTIFICATE_REQUEST if tls13 else _HELLO_REQUEST):
            self._later(direction, "certificate_request" if tls13 else "hello_request")
        if kind == _ENCRYPTED_EXTENSIONS and tls13:
            self._encrypted_extensions(handshake_messages.extensions(body))
        elif kind == _COMPRESSED:
            kind, body = _CERTIFICATE, certificate.decompressed(body)
        elif kind in (_SERVER_KEY_EXCHANGE, _CERTIFICATE_REQUEST, _SERVER_HELLO_DONE):
            negotiation.full = True
        elif kind == _NEW_SESSION_TICKET and not tls13:
            negotiation.ticket = handshake_messages.ticket(body)
            if negotiation.authenticated:
                negotiation.settle(self._keys)
        if kind == _CERTIFICATE:
            negotiation.full = True
            negotiation.certificate = handshake_messages.first_certificate(body, tls13=tls13)
            self.info.certificate = self.info.certificate or negotiation.certificate
            self.info.chain = self.info.chain or handshake_messages.chain_length(body, tls13=tls13)

    def _client_hello(
        self, direction: TlsDirection, hello: handshake_messages.Hello | None, whole: bytes
    ) -> bool:
        if hello is None:
            self._die(direction, "the ClientHello is damaged")
            return True
        negotiation = direction.negotiation
        if negotiation.version:
            if not direction.done or negotiation.version == TLS13:
                self._die(direction, "a ClientHello in the middle of the handshake")
                return True
            self._later(direction, "client_hello")
            negotiation.next = direction.negotiation = following = Negotiation()
            following.seekable = negotiation.seekable  # the cipher stays until its ChangeCipherSpec
            negotiation = following
        elif negotiation.client_random and not negotiation.retry and negotiation is self._first:
            return False  # what the server makes of the first one is not known yet
        negotiation.client_hello(hello, whole[4:])
        self._keys.claim(hello.random)
        negotiation.remember(0, whole)
        if negotiation is self._first:
            self.info.client_random = hello.random
            self.info.server_name = hello.server_name
            self.info.alpn_offered = handshake_messages.alpn_names(
                hello.extensions.get(handshake_messages.ALPN, b"")
            )
            self.info.post_handshake_auth = handshake_messages.POST_HANDSHAKE_AUTH in hello.extensions
            self.info.encrypted_client_hello = "offered" if negotiation.outer else None
        return True

    def _server_hello(self, direction: TlsDirection, body: bytes) -> bool:
        hello = handshake_messages.parse_hello(body, client=False)
        if hello is None:
            self._die(direction, "the ServerHello is damaged")
            return True
        negotiation = direction.negotiation
        if negotiation.version:
            if negotiation.next is None:
                return False  # the client's hello for this one has not been read
            self.info.renegotiations += 1
            direction.negotiation, negotiation.next = negotiation.next, None
            negotiation = direction.negotiation
        if (negotiation.retry or not negotiation.client_random) and not self._closing:
            return False
        if hello.random == handshake_messages.HELLO_RETRY_REQUEST:
            negotiation.retry = negotiation.retried = self.info.hello_retry = True
            return True
        negotiation.server_hello(hello)
        self._agreed(negotiation, hello)
        return True

    def _agreed(self, negotiation: Negotiation, hello: handshake_messages.Hello) -> None:
        self.info.version = handshake_messages.version_name(hello.chosen_version)
        self.info.cipher_suite = suites.name(hello.suites[0])
        if negotiation.version != TLS13:
            self.info.alpn = hello.alpn or self.info.alpn
            self.info.extended_master_secret = bool(negotiation.settings["extended"])
            return
        self.info.resumed = handshake_messages.PRE_SHARED_KEY in hello.extensions
        if not negotiation.unsupported:
            self._begin_tls13(negotiation)

    def _finished(self, direction: TlsDirection) -> None:
        tls13 = direction.negotiation.version == TLS13
        if direction.cipher is None or (direction.done and tls13):
            return  # not sealed: none; of an authentication later on: keys stay (RFC 8446 section 4.6.2)
        self._done(direction)
        if tls13:
            self._install(direction, APPLICATION_SECRETS[direction.side])

    def _later(self, direction: TlsDirection, kind: AfterwardsKind) -> None:
        """Note what is said of another handshake when the first is over."""
        if len(self.info.afterwards) + len(self.later) < _MOST_AFTERWARDS:
            self.later.append(Later(direction.side, kind, direction.reached))

    def _done(self, direction: TlsDirection) -> None:
        direction.done = True
        self.info.handshake_complete = self.info.handshake_complete or all(s.done for s in self._sides)

    # --- TLS 1.3 -------------------------------------------------------------------------------------

    def _begin_tls13(self, negotiation: Negotiation) -> None:
        client, server = self._sides
        if negotiation.outer is not None:
            self._open_inner(negotiation, *negotiation.outer)
            negotiation.outer = None
        self._install(server, HANDSHAKE_SECRETS[Side.SERVER])
        if negotiation.early_offered and negotiation.retried:
            self.info.early_data = "rejected"
        if not negotiation.early_offered or negotiation.retried:
            self._install(client, HANDSHAKE_SECRETS[Side.CLIENT])
        elif server.dead:
            self._early_data_unknown(server)

    def _open_inner(self, negotiation: Negotiation, body: bytes, outer: handshake_messages.Hello) -> None:
        """The inner ClientHello counts where the key log gives it away, and has its secrets."""
        secrets = self._keys.secrets("ECH_SECRET", outer.random)
        configs = self._keys.secrets("ECH_CONFIG", outer.random)
        for secret, config in itertools.product(secrets, configs):
            inner = ech.inner_hello(body, outer, secret, config)
            if inner is not None and self._keys.has(inner.random):
                self._accepted_inner(negotiation, inner.random)
                self.info.outer_server_name, self.info.server_name = outer.server_name, inner.server_name
                self.info.alpn_offered = handshake_messages.alpn_names(
                    inner.extensions.get(handshake_messages.ALPN, b"")
                )
                return

    def _accepted_inner(self, negotiation: Negotiation, client_random: bytes) -> None:
        negotiation.client_random = self.info.client_random = client_random
        if self.info.encrypted_client_hello:
            self.info.encrypted_client_hello = "accepted"
        self._keys.claim(client_random)

    def _encrypted_extensions(self, found: dict[int, bytes]) -> None:
        """ALPN's choice, and whether early data were accepted (RFC 8446 sections 4.2.10, 4.3.1)."""
        self.info.alpn = handshake_messages.alpn(found.get(handshake_messages.ALPN, b""))
        client = self._sides[Side.CLIENT]
        if not self._first.early_offered or client.wanted:
            return
        accepted = handshake_messages.EARLY_DATA in found
        self.info.early_data = "accepted" if accepted else "rejected"
        if accepted and self._keys.secrets(_EARLY, self._first.client_random):
            self._install(client, _EARLY)
        elif accepted:
            self._skip_early_data(f"early data: the key log has no {_EARLY}")
        else:
            self._skip_early_data("")

    def _early_data_unknown(self, direction: TlsDirection) -> None:
        """The server's answer to early data cannot be read any more."""
        client = self._sides[Side.CLIENT]
        due = self._first.early_offered and self._first.version == TLS13 and not client.wanted
        if direction.side == Side.SERVER and due and not direction.done:
            self._skip_early_data("early data: the server's answer to them could not be read")

    def _skip_early_data(self, why: str) -> None:
        client = self._sides[Side.CLIENT]
        if why:
            self.reasons.append(Reason(client.side, why, client.reached))
        self._install(client, HANDSHAKE_SECRETS[Side.CLIENT])
        client.skipping = True

    def _install(self, direction: TlsDirection, label: str) -> None:
        """Take the keys of a label into use, now or (``wanted``) when the key log has them."""
        secrets = self._keys.secrets(label, direction.negotiation.client_random)
        direction.wanted = label
        direction.cipher = None
        if secrets:
            direction.secret, direction.others = secrets[0], secrets[1:]
            direction.cipher = self._cipher13(direction.negotiation, direction.secret)

    def _key_update(self, direction: TlsDirection) -> None:
        if direction.negotiation.suite is not None and direction.secret:
            direction.secret = drafts.updated(
                direction.negotiation.suite, direction.secret, direction.negotiation.draft
            )
            direction.cipher = self._cipher13(direction.negotiation, direction.secret)
            self.info.key_updates[direction.side] += 1

    @staticmethod
    def _cipher13(negotiation: Negotiation, secret: bytes) -> RecordCipher:
        assert negotiation.suite is not None  # noqa: S101 - else it is ``unsupported``
        return drafts.cipher(negotiation.suite, secret, negotiation.draft)

    # --- what no hello says --------------------------------------------------------------------------

    def _found_by_trial(self) -> bool:
        """See ``search``: True if it led to a key."""
        client, server = self._sides
        return self._find_client_random(server) or self._find_suite(client, server)

    def _find_client_random(self, server: TlsDirection) -> bool:
        first = self._first
        hidden = self.info.encrypted_client_hello or not first.client_random
        waits = server.blocked and server.cipher is None and server.negotiation is first
        if not (hidden and waits and first.version == TLS13) or first.suite is None or first.unsupported:
            return False
        record = search.first_sealed(server.buffer)
        if record is None or self._keys.has(first.client_random):
            return False
        label = HANDSHAKE_SECRETS[Side.SERVER]
        found = search.client_random(self._keys, label, first.suite, first.draft, record)
        if found is None:
            return False
        self._accepted_inner(first, found)
        for direction in self._sides:
            if direction.wanted and direction.cipher is None:
                self._install(direction, direction.wanted)
        return True

    def _find_suite(self, client: TlsDirection, server: TlsDirection) -> bool:
        first = self._first
        nothing_came = server.record == 0 and not server.buffer and not server.messages
        if first.version or not first.client_random or not client.blocked or not nothing_came:
            return False
        record = search.first_sealed(client.buffer)
        if record is None:
            return False
        labels = _EARLY, HANDSHAKE_SECRETS[Side.CLIENT], APPLICATION_SECRETS[Side.CLIENT]
        found = search.suite(self._keys, labels, first.client_random, first.offered_suites, record)
        if found is None:
            return False
        number, label = found
        first.version, first.suite, first.seekable = TLS13, suites.lookup(TLS13, number), True
        self.info.version, self.info.cipher_suite = (
            handshake_messages.version_name(TLS13),
            suites.name(number),
        )
        self._install(client, label)
        client.done = label == APPLICATION_SECRETS[Side.CLIENT]
        return True
