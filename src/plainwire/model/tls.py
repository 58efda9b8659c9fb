"""What TLS said, and why it could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from plainwire.model.base import Discreet

if TYPE_CHECKING:
    from plainwire.model.base import Side


class TlsInfo(Discreet, Struct):
    """What the handshake said. Names as in RFC 8446 and IANA's registry (``TLS_AES_128_GCM_SHA256``).

    After a renegotiation: what the last handshake agreed on; ``client_random`` stays that of the first.
    """

    unshown = ("certificate", "client_certificate", "authorities", "issuers")

    version: str | None = None  # "TLS 1.3"
    cipher_suite: str | None = None
    alpn: str | None = None
    server_name: str | None = None
    resumed: bool | None = None
    client_random: bytes = b""
    """That under which the key log has the secrets: with an accepted ECH that of the inner ClientHello."""
    handshake_complete: bool = False
    flight_whole: bool = False
    """Whether the server's first flight was read to its end: its Finished, or before TLS 1.3 its
    ServerHelloDone. It is the client's turn then."""
    began_ns: int | None = None
    """Capture time of the first byte of the first ClientHello."""
    finished_ns: int | None = None
    """That of the record with the Finished that came last; None where it could not be read."""
    alpn_offered: list[str] = field(default_factory=list)
    early_data: Literal["accepted", "rejected"] | None = None  # RFC 8446 section 4.2.10
    hello_retry: bool = False  # RFC 8446 section 4.1.4
    extended_master_secret: bool = False  # RFC 7627
    encrypted_client_hello: Literal["offered", "accepted"] | None = None
    """RFC 9849. Browsers offer it to every server, with nothing in it (GREASE)."""
    outer_server_name: str | None = None
    """Of an accepted ECH whose inner ClientHello could be opened: then ``server_name`` is the inner one's."""
    renegotiations: int = 0
    key_updates: list[int] = field(default_factory=lambda: [0, 0])  # by side
    newest_offered: int = 0
    """The newest version that the first ClientHello offers, as on the wire (0x0303: TLS 1.2)."""
    status_requested: bool = False
    """Whether the client asked for a stapled OCSP response (RFC 6066 section 8)."""
    stapled: bool = False
    """Whether the server sent one with its certificate."""
    certificate: bytes = b""
    """The server's own certificate, DER, where it could be read: see ``tls.certificate.read``."""
    chain: int = 0
    """How many certificates the server sent, its own included."""
    leaf: Certificate | None = None
    """What ``certificate`` says; read only for connections with alerts."""
    issuers: list[bytes] = field(default_factory=list)
    """The first certificates, DER, that the server sent behind its own."""
    issuers_said: list[Certificate] = field(default_factory=list)
    """What ``issuers`` say; read where ``leaf`` is."""
    client_certificate: bytes = b""
    client_leaf: Certificate | None = None
    """What ``client_certificate`` says; read only where a response refused the request."""
    certificate_asked: bool = False
    """Whether the server asked for a client certificate in the handshake, as far as it could be read."""
    authorities: list[bytes] = field(default_factory=list)
    """The names (DER) of those whose client certificates the server said it accepts."""
    client_chain: int = 0
    """How many certificates the client sent."""
    certificate_withheld: bool = False
    """Whether the client answered that with no certificate (RFC 8446 section 4.4.2)."""
    starts: list[int] = field(default_factory=lambda: [-1, -1])
    """By side: where the session begins in the TCP stream, which a proxy may come before; -1: nowhere."""
    hello_size: int = 0
    """Bytes of the first ClientHello with its record header, as its length field says; 0 where not known."""
    answered_by_http2: bool = False
    """Whether what came back to the ClientHello is the SETTINGS frame of HTTP/2 in clear text."""
    talked: list[bool] = field(default_factory=lambda: [False, False])
    """By side: whether application data of it could be read."""
    dh_bits: int | None = None
    """Of the prime of finite-field Diffie-Hellman that the server chose (RFC 5246 section 7.4.3)."""
    post_handshake_auth: bool = False
    """Whether the client offered to be asked for a certificate later (RFC 8446 section 4.2.6)."""
    numbers_skipped: list[int] = field(default_factory=lambda: [0, 0])
    """By side: records that it counted and that are not in its stream, though no byte of that is missing."""
    reused: list[Reused] = field(default_factory=list)
    afterwards: list[Afterwards] = field(default_factory=list)


class Certificate(Struct, frozen=True):
    """What a certificate says of itself. ``defect``: why the rest is empty."""

    subject: str = ""  # RFC 4514: "CN=example.org"
    issuer: str = ""
    names: tuple[str, ...] = ()  # DNS names and IP addresses of its subjectAltName
    not_before_ns: int = 0
    not_after_ns: int = 0
    defect: str = ""
    rsa_bits: int = 0
    """Of its public key, where that is one of RSA."""
    hashed_with: str = ""
    """The hash of its signature in lower case: ``sha256``; empty where it has none."""
    for_servers: bool = True
    """Whether its extended key usage allows servers of TLS, or says nothing (RFC 5280 section 4.2.1.12)."""
    must_staple: bool = False
    """Whether it says that its server sends a stapled OCSP response (RFC 7633 section 4.2.3)."""


class Reused(Struct, frozen=True):
    """A record that has the number of an earlier one of its side and keys (RFC 8446 section 5.3).

    ``start`` is its offset in the stream of ``side``, ``first`` that of the earlier one (None: not known, in
    TLS inside TLS). ``copied``: both are the same, byte for byte. Else two senders sealed them, each with a
    count of its own.
    """

    side: Side
    number: int
    first: int | None
    start: int
    packet: int
    time_ns: int
    copied: bool = False


AfterwardsKind = Literal[
    "hello_request",
    "client_hello",
    "no_renegotiation",
    "certificate_request",
    "certificate",
    "empty_certificate",
]


class Afterwards(Struct, frozen=True):
    """What was said of another handshake after the first: a question of the server's, or the client's answer.

    To HelloRequest (RFC 5246 section 7.4.1.1) a ClientHello or the alert no_renegotiation is the answer, to
    TLS 1.3's CertificateRequest (RFC 8446 section 4.6.2) a Certificate, which may be empty. A ClientHello may
    come without a question. ``start`` is the offset of the record in its sender's stream.
    """

    kind: AfterwardsKind
    packet: int
    time_ns: int
    start: int = 0


class Undecrypted(Struct, frozen=True):
    """Why records of one direction (or of both: ``side`` None) could not be read."""

    reason: str
    side: Side | None
    packet: int | None = None
