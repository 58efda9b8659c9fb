"""A scripted server: speaks so much of a mail, file, directory or database protocol that a client begins TLS.

DESCRIPTOR PROTOCOL CERTIFICATES. Inside TLS it answers one HTTP request, for a test to see.
"""

from __future__ import annotations

import socket
import ssl
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\ninside\n"
LDAP_STARTED = bytes.fromhex("300c02010178070a010004000400")  # success (RFC 4511 section 4.14.2)
XMPP_STREAM = (
    b"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' "
    b"xmlns='jabber:client' id='1' version='1.0'>"
)
XMPP_FEATURES = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
XMPP_PROCEED = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
# Protocol 10, version, thread, salt, capabilities with CLIENT_SSL (MySQL: Protocol::HandshakeV10).
MYSQL_BODY = (
    b"\x0a8.0.0\0" + bytes(4) + b"12345678\0" + b"\xff\xff" + b"\x21\x02\0" + b"\xff\xff\x15" + bytes(10)
    + b"123456789012\0mysql_native_password\0"
)  # fmt: skip
MYSQL_GREETING = len(MYSQL_BODY).to_bytes(3, "little") + b"\0" + MYSQL_BODY


class Peer:
    """Takes what the client says, and answers."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._said = b""

    def until(self, mark: bytes) -> bytes:
        """What the client says up to ``mark``, in any case of letters."""
        while mark.lower() not in self._said.lower():
            part = self.connection.recv(1)
            if not part:
                sys.exit(f"the client left, having said {self._said!r}")
            self._said += part
        said, self._said = self._said, b""
        return said

    def take(self, size: int) -> None:
        """So many bytes."""
        while size:
            size -= len(self.connection.recv(size))

    def say(self, data: bytes) -> None:
        """Send it."""
        self.connection.sendall(data)


def _smtp(peer: Peer) -> None:
    peer.say(b"220 test ESMTP\r\n")
    peer.until(b"\r\n")
    peer.say(b"250-test\r\n250 STARTTLS\r\n")
    peer.until(b"STARTTLS\r\n")
    peer.say(b"220 go ahead\r\n")


def _imap(peer: Peer) -> None:
    peer.say(b"* OK test\r\n")
    asked = peer.until(b"CAPABILITY\r\n").split()[0]
    peer.say(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + asked + b" OK done\r\n")
    asked = peer.until(b"STARTTLS\r\n").split()[0]
    peer.say(asked + b" OK begin\r\n")


def _pop3(peer: Peer) -> None:
    peer.say(b"+OK test\r\n")
    peer.until(b"STLS\r\n")
    peer.say(b"+OK begin\r\n")


def _ftp(peer: Peer) -> None:
    peer.say(b"220 test\r\n")
    peer.until(b"AUTH TLS\r\n")
    peer.say(b"234 begin\r\n")


def _ldap(peer: Peer) -> None:
    peer.until(b"1.3.6.1.4.1.1466.20037")
    peer.say(LDAP_STARTED)


def _postgres(peer: Peer) -> None:
    peer.take(8)
    peer.say(b"S")


def _mysql(peer: Peer) -> None:
    peer.say(MYSQL_GREETING)
    peer.take(36)


def _xmpp(peer: Peer) -> None:
    peer.until(b"version='1.0'>")
    peer.say(XMPP_STREAM + XMPP_FEATURES)
    peer.until(b"xmpp-tls'/>")
    peer.say(XMPP_PROCEED)


PROTOCOLS: dict[str, Callable[[Peer], None]] = {
    "smtp": _smtp,
    "imap": _imap,
    "pop3": _pop3,
    "ftp": _ftp,
    "ldap": _ldap,
    "postgres": _postgres,
    "mysql": _mysql,
    "xmpp": _xmpp,
}


def main() -> None:
    """One connection."""
    descriptor, protocol, certificates = sys.argv[1:]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates)
    with socket.socket(fileno=int(descriptor)) as listener:
        connection, _ = listener.accept()
    connection.settimeout(60)
    PROTOCOLS[protocol](Peer(connection))
    with context.wrap_socket(connection, server_side=True) as inside:
        request = b""
        while b"\r\n\r\n" not in request:
            request += inside.recv(65_536)
        inside.sendall(ANSWER)


if __name__ == "__main__":
    main()
