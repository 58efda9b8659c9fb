"""What TLS said, and why it could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model.base import Side


@dataclass(slots=True)
class TlsInfo:
    """What the handshake said. Names as in RFC 8446 and IANA's registry (``TLS_AES_128_GCM_SHA256``)."""

    version: str | None = None  # "TLS 1.3"
    cipher_suite: str | None = None
    alpn: str | None = None
    server_name: str | None = None
    resumed: bool | None = None
    client_random: bytes = b""
    handshake_complete: bool = False


@dataclass(frozen=True, slots=True)
class Undecrypted:
    """Why records of one direction (or of both: ``side`` None) could not be read."""

    reason: str
    side: Side | None
    packet: int | None = None
