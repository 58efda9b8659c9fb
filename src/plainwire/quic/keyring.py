"""From the key log's secrets to packet protection keys: RFC 9001 section 5.1."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from plainwire.model import Side
from plainwire.quic.protection import PacketKeys, UpdatedKeys
from plainwire.quic.versions import Form
from plainwire.tls.reasons import NO_HANDSHAKE, NO_SECRET

if TYPE_CHECKING:
    from plainwire.quic.protection import OpenedPacket
    from plainwire.quic.quic_handshake import Handshake
    from plainwire.quic.versions import Version
    from plainwire.tls.keylog import KeyLog
    from plainwire.tls.suites import Suite

_LABELS = {
    (Form.ZERO_RTT, Side.CLIENT): "CLIENT_EARLY_TRAFFIC_SECRET",
    (Form.HANDSHAKE, Side.CLIENT): "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    (Form.HANDSHAKE, Side.SERVER): "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    (Form.ONE_RTT, Side.CLIENT): "CLIENT_TRAFFIC_SECRET_0",
    (Form.ONE_RTT, Side.SERVER): "SERVER_TRAFFIC_SECRET_0",
}
_SIZES = {32: "sha256", 48: "sha384"}
_MOST_MADE = 64
_MOST_SEARCHED = 1 << 10
"""Client randoms tried for one connection."""

Keys = PacketKeys | UpdatedKeys


class Keyring:
    """The keys of one connection, made on first use.

    If the ServerHello is not in the capture, and for 0-RTT before it, each offered suite whose hash has the
    secret's size is tried; authentication decides.
    """

    def __init__(self, log: KeyLog, handshake: Handshake) -> None:
        self._log = log
        self._handshake = handshake
        self._searched = -1  # the key log's size when it was searched
        self._made: dict[tuple[Form, Side, Version, str, bytes], Keys] = {}
        self._proved: dict[tuple[Form, Side], tuple[Version, Keys]] = {}

    @property
    def size(self) -> int:
        """The key log's size: when it grows, a missing secret may have come."""
        return self._log.lines

    def ready(self, form: Form, side: Side) -> bool:
        """Whether packets of this form and side can be tried now."""
        return (form, side) in self._proved or not self.missing(form, side)

    def missing(self, form: Form, side: Side) -> str:
        """Why packets of this form and side cannot be decrypted; empty if they can be tried."""
        random = self._handshake.random
        if not random:
            return NO_HANDSHAKE
        label = _LABELS.get((form, side))
        if label is None:
            return "0-RTT packets of a server"
        if self._handshake.unsupported:
            return self._handshake.unsupported
        if not self._log.secrets(label, random):
            return f"no {label} for this client random" if self._log.has(random) else NO_SECRET
        return "" if self._candidates(form, side) else "no cipher suite that fits the secret was offered"

    def open(
        self, form: Form, side: Side, version: Version, packet: bytes, number_at: int, expected: int
    ) -> OpenedPacket | None:
        """Decrypt a 0-RTT, Handshake or 1-RTT packet; None if it does not authenticate."""
        proved = self._proved.get((form, side))
        if proved is not None and (form is Form.ONE_RTT or proved[0] is version):
            return proved[1].open(packet, number_at, expected)
        for suite, secret in self._candidates(form, side):
            keys = self._keys(form, side, version, suite, secret)
            opened = keys.open(packet, number_at, expected)
            if opened is not None:
                self._proved[form, side] = version, keys
                return opened
        return None

    def search(self, version: Version, packet: bytes, number_at: int) -> bool:
        """Find the client random by trial decryption of a server's Handshake packet.

        With Encrypted Client Hello the key log names that of the inner ClientHello (RFC 9849), which is not
        on the wire.
        """
        log, handshake = self._log, self._handshake
        wanted = handshake.info.encrypted_client_hello and not log.has(handshake.random)
        if not wanted or handshake.suite is None or self._searched == log.lines:
            return False
        self._searched = log.lines
        label = _LABELS[Form.HANDSHAKE, Side.SERVER]
        unclaimed = (random for random in log.randoms(label) if random not in log.claimed)
        for random in itertools.islice(unclaimed, min(_MOST_SEARCHED, log.searches_left)):
            log.searches_left -= 1
            for secret in log.secrets(label, random):
                if PacketKeys(handshake.suite, secret, version.labels).open(packet, number_at, 0):
                    handshake.info.client_random = random
                    handshake.info.encrypted_client_hello = "accepted"
                    log.claim(random)
                    return True
        return False

    def updates(self, side: Side) -> int:
        """Number of updates of a side's 1-RTT keys."""
        proved = self._proved.get((Form.ONE_RTT, side))
        return proved[1].updates if proved is not None and isinstance(proved[1], UpdatedKeys) else 0

    def _candidates(self, form: Form, side: Side) -> list[tuple[Suite, bytes]]:
        """Suites with secrets: the chosen suite, or each whose hash has the secret's size."""
        secrets = self._log.secrets(_LABELS[form, side], self._handshake.random)
        chosen = self._handshake.suite
        if chosen is not None and form is not Form.ZERO_RTT:
            return [(chosen, secret) for secret in secrets]
        offered = self._handshake.offered
        return [(suite, s) for s in secrets for suite in offered if suite.prf == _SIZES.get(len(s))]

    def _keys(self, form: Form, side: Side, version: Version, suite: Suite, secret: bytes) -> Keys:
        key = form, side, version, suite.name, secret
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= _MOST_MADE:
                self._made.clear()
            maker = UpdatedKeys if form is Form.ONE_RTT else PacketKeys
            made = self._made[key] = maker(suite, secret, version.labels)
        return made
