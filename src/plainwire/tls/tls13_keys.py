"""TLS 1.3: which traffic keys a direction uses when, and what happens to early data (RFC 8446)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from plainwire.model import Side
from plainwire.tls import drafts, ech, handshake_messages
from plainwire.tls.handshake_messages import TLS13
from plainwire.tls.reasons import Reason

if TYPE_CHECKING:
    from plainwire.tls.negotiation import Negotiation
    from plainwire.tls.record_cipher import RecordCipher
    from plainwire.tls.session_state import SessionState
    from plainwire.tls.tls_direction import TlsDirection

EARLY_SECRET = "CLIENT_EARLY_TRAFFIC_SECRET"  # noqa: S105
HANDSHAKE_SECRETS = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")
APPLICATION_SECRETS = ("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0")
"""Labels of the key log, by side."""


class Tls13Keys:
    """Installs keys. Early data are sent between two of them, so their outcome is decided here."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._info = state.info
        self._keys = state.keys
        self._first = state.first
        self._sides = state.sides

    def give_up(self, direction: TlsDirection, why: str) -> None:
        """Stop reading a direction, and say why; the outcome of early data is decided, too."""
        if direction.dead:
            return
        at = direction.lost.since if direction.lost is not None else direction.reached
        self._state.reasons.append(Reason(direction.side, why, at))
        direction.die()
        self.early_data_unknown(direction)

    def begin(self, negotiation: Negotiation) -> None:
        """The ServerHello chose TLS 1.3: handshake keys follow it (RFC 8446 section 7.1)."""
        client, server = self._sides
        if negotiation.outer is not None:
            self._open_inner(negotiation, *negotiation.outer)
            negotiation.outer = None
        self.install(server, HANDSHAKE_SECRETS[Side.SERVER])
        if negotiation.early_offered and negotiation.retried:
            self._info.early_data = "rejected"
        if not negotiation.early_offered or negotiation.retried:
            self.install(client, HANDSHAKE_SECRETS[Side.CLIENT])
        elif server.dead:
            self.early_data_unknown(server)

    def _open_inner(self, negotiation: Negotiation, body: bytes, outer: handshake_messages.Hello) -> None:
        """The inner ClientHello counts if the key log reveals it and has its secrets."""
        secrets = self._keys.secrets("ECH_SECRET", outer.random)
        configs = self._keys.secrets("ECH_CONFIG", outer.random)
        for secret, config in itertools.product(secrets, configs):
            inner = ech.inner_hello(body, outer, secret, config)
            if inner is not None and self._keys.has(inner.random):
                self.accept_inner(negotiation, inner.random)
                self._info.outer_server_name, self._info.server_name = (
                    outer.server_name,
                    inner.server_name,
                )
                self._info.alpn_offered = handshake_messages.alpn_names(
                    inner.extensions.get(handshake_messages.ALPN, b"")
                )
                return

    def accept_inner(self, negotiation: Negotiation, client_random: bytes) -> None:
        """The server took the inner ClientHello, which has this random."""
        negotiation.client_random = self._info.client_random = client_random
        if self._info.encrypted_client_hello:
            self._info.encrypted_client_hello = "accepted"
        self._keys.claim(client_random)

    def encrypted_extensions(self, found: dict[int, bytes]) -> None:
        """ALPN's choice, and whether early data were accepted (RFC 8446 sections 4.2.10, 4.3.1)."""
        self._info.alpn = handshake_messages.alpn(found.get(handshake_messages.ALPN, b""))
        client = self._sides[Side.CLIENT]
        if not self._first.early_offered or client.wanted:
            return
        accepted = handshake_messages.EARLY_DATA in found
        self._info.early_data = "accepted" if accepted else "rejected"
        if accepted and self._keys.secrets(EARLY_SECRET, self._first.client_random):
            self.install(client, EARLY_SECRET)
        elif accepted:
            self._skip_early_data(f"early data: the key log has no {EARLY_SECRET}")
        else:
            self._skip_early_data("")

    def early_data_unknown(self, direction: TlsDirection) -> None:
        """The server's response to early data can no longer be read."""
        client = self._sides[Side.CLIENT]
        due = self._first.early_offered and self._first.version == TLS13 and not client.wanted
        if direction.side == Side.SERVER and due and not direction.done:
            self._skip_early_data("early data: the server's answer to them could not be read")

    def _skip_early_data(self, why: str) -> None:
        client = self._sides[Side.CLIENT]
        if why:
            self._state.reasons.append(Reason(client.side, why, client.reached))
        self.install(client, HANDSHAKE_SECRETS[Side.CLIENT])
        client.skipping = True

    def install(self, direction: TlsDirection, label: str) -> None:
        """Use the keys of a label from now on, or (``wanted``) as soon as the key log has them."""
        secrets = self._keys.secrets(label, direction.negotiation.client_random)
        direction.wanted = label
        direction.cipher = None
        if secrets:
            direction.secret, direction.others = secrets[0], secrets[1:]
            direction.cipher = self.cipher(direction.negotiation, direction.secret)

    def key_update(self, direction: TlsDirection) -> None:
        """A KeyUpdate: the next records use keys derived from the present ones."""
        if direction.negotiation.suite is not None and direction.secret:
            direction.secret = drafts.updated(
                direction.negotiation.suite, direction.secret, direction.negotiation.draft
            )
            direction.cipher = self.cipher(direction.negotiation, direction.secret)
            self._info.key_updates[direction.side] += 1

    @staticmethod
    def cipher(negotiation: Negotiation, secret: bytes) -> RecordCipher:
        """The cipher of a traffic secret."""
        assert negotiation.suite is not None  # noqa: S101 - else it is ``unsupported``
        return drafts.cipher(negotiation.suite, secret, negotiation.draft)
