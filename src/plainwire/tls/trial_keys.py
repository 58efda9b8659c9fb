"""Keys found by trial decryption where no hello says which: see ``search``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Side
from plainwire.tls import handshake_messages, joining, search, suites
from plainwire.tls.handshake_messages import TLS13
from plainwire.tls.record_layer import APPLICATION
from plainwire.tls.tls13_keys import APPLICATION_SECRETS, EARLY_SECRET, HANDSHAKE_SECRETS

if TYPE_CHECKING:
    from plainwire.tls.record_cipher import RecordCipher
    from plainwire.tls.session_state import SessionState
    from plainwire.tls.tls13_keys import Tls13Keys
    from plainwire.tls.tls_direction import TlsDirection


class TrialKeys:
    """Tries secrets and suites on the first encrypted record of a session."""

    def __init__(self, state: SessionState, tls13: Tls13Keys) -> None:
        self._info = state.info
        self._keys = state.keys
        self._first = state.first
        self._sides = state.sides
        self._tls13 = tls13
        self.joined = False

    def found(self) -> bool:
        """Look for a key; True if one was found."""
        client, server = self._sides
        if self._find_client_random(server) or self._find_suite(client, server):
            return True
        skipped = [self._skip_handshake(direction) for direction in self._sides]
        return any(skipped)

    def join(self, direction: TlsDirection, version: bytes, body: bytes) -> RecordCipher | None:
        """Take the keys of a session that is seen from its middle on, by the first record of a direction."""
        first = self._first
        if first.client_random and not self.joined:
            return None
        found = joining.find(self._keys, APPLICATION, version, body, first.client_random)
        suite = suites.lookup(found.version, found.suite) if found is not None else None
        if found is None or (self.joined and suite != first.suite):
            return None
        self.joined = True
        first.version, first.suite, first.seekable = found.version, suite, True
        first.client_random = self._info.client_random = found.client_random
        self._info.version = handshake_messages.version_name(found.version)
        self._info.handshake_complete = True
        direction.done = True
        if found.version == TLS13:
            self._info.cipher_suite = suites.name(found.suite)
            direction.wanted, direction.secret = APPLICATION_SECRETS[direction.side], found.secret
            direction.cipher = self._tls13.cipher(first, found.secret)
        else:
            direction.cipher = joining.of_tls12(found.secret)
        direction.cipher.sequence = found.number
        return direction.cipher

    def _find_client_random(self, server: TlsDirection) -> bool:
        first = self._first
        hidden = self._info.encrypted_client_hello or not first.client_random
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
        self._tls13.accept_inner(first, found)
        for direction in self._sides:
            if direction.wanted and direction.cipher is None:
                self._tls13.install(direction, direction.wanted)
        return True

    def _skip_handshake(self, direction: TlsDirection) -> bool:
        """Where only the secret of the handshake is lacking, go on behind it."""
        first, side = self._first, direction.side
        waits = direction.blocked and direction.cipher is None and direction.negotiation is first
        if not waits or direction.wanted != HANDSHAKE_SECRETS[side] or first.suite is None:
            return False
        secrets = self._keys.secrets(APPLICATION_SECRETS[side], first.client_random)
        for at, record in search.all_sealed(direction.buffer) if secrets else ():
            for secret in secrets:
                if search.opens(first.suite, secret, first.draft, record):
                    direction.wanted, direction.secret, direction.done = (
                        APPLICATION_SECRETS[side],
                        secret,
                        True,
                    )
                    direction.cipher = self._tls13.cipher(first, secret)
                    direction.buffer = direction.buffer[at:]
                    direction.base += at
                    self._info.handshake_complete = True
                    return True
        return False

    def _find_suite(self, client: TlsDirection, server: TlsDirection) -> bool:
        first = self._first
        nothing_came = server.record == 0 and not server.buffer and not server.messages
        if first.version or not first.client_random or not client.blocked or not nothing_came:
            return False
        record = search.first_sealed(client.buffer)
        if record is None:
            return False
        labels = EARLY_SECRET, HANDSHAKE_SECRETS[Side.CLIENT], APPLICATION_SECRETS[Side.CLIENT]
        found = search.suite(self._keys, labels, first.client_random, first.offered_suites, record)
        if found is None:
            return False
        number, label = found
        first.version, first.suite, first.seekable = TLS13, suites.lookup(TLS13, number), True
        self._info.version, self._info.cipher_suite = (
            handshake_messages.version_name(TLS13),
            suites.name(number),
        )
        self._tls13.install(client, label)
        client.done = label == APPLICATION_SECRETS[Side.CLIENT]
        return True
