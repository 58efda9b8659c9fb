"""TLS that begins in the middle of another protocol, after a command in clear text.

SMTP (RFC 3207), IMAP and POP3 (RFC 9051 section 6.2.1, RFC 2595), FTP (RFC 4217), NNTP (RFC 4642), XMPP
(RFC 6120 section 5), LDAP (RFC 4511 section 4.14), PostgreSQL and MySQL (their
SSLRequest messages).

The client's ClientHello right behind the command is what decides: a client sends it only where the server
agreed. The server's side of the TLS connection begins with its first record of TLS.
"""

from __future__ import annotations

import re
from itertools import islice

from plainwire.tunnels.outcome import Done, Failed, Outcome

MOST = 1 << 16
"""Bytes of clear text of a side within which the command has to come."""

_MOST_HELLOS = 4
_HELLO = re.compile(rb"\x16\x03[\x00-\x04][\x00-\x40][\x00-\xff]\x01").finditer
_ANSWER = re.compile(rb"\x16\x03[\x00-\x04][\x00-\x40][\x00-\xff]\x02|\x15\x03[\x00-\x04]\0\x02").search
_COMMANDS = (
    ("SMTP", re.compile(rb"(?i)(?:EHLO|HELO|LHLO)[^\n]*\n(?:[^\n]*\n){0,64}?STARTTLS *\r?\n\Z")),
    ("IMAP", re.compile(rb"(?i)(?:\A|\n)[^\s(){%*\"\\]+ STARTTLS\r?\n\Z")),
    ("POP3", re.compile(rb"(?i)(?:\A|\n)STLS\r?\n\Z")),
    ("FTP", re.compile(rb"(?i)(?:\A|\n)AUTH (?:TLS|SSL|TLS-C|TLS-P)\r?\n\Z")),
    ("NNTP", re.compile(rb"(?i)(?:\A|\n)STARTTLS\r?\n\Z")),
    ("XMPP", re.compile(rb"<starttls[^<>]*(?:/>|>(?:\s*<[^<>]{1,200}>){0,8}\s*</starttls>)\s*\Z")),
    ("LDAP", re.compile(rb"\A\x30(?s:.)*1\.3\.6\.1\.4\.1\.1466\.20037(?s:.){0,8}\Z")),
    ("PostgreSQL", re.compile(rb"\A(?:\0\0\0\x08\x04\xd2\x16\x30)?\0\0\0\x08\x04\xd2\x16\x2f\Z")),
    ("MySQL", re.compile(rb"\A\x20\0\0\x01(?s:.){32}\Z")),
)
_GREETINGS = re.compile(
    rb"220[ -]|\+OK|\* (?:OK|PREAUTH)|20[01] |<\?xml|<stream:stream|[\x14-\xff]\0\0\0\x0a"
).match
_OPENINGS = re.compile(
    rb"(?i)(?:EHLO|HELO|LHLO) |\S{1,16} (?:CAPABILITY|STARTTLS)\r?\n|CAPA\r?\n|STLS\r?\n"
    rb"|AUTH (?:TLS|SSL)|FEAT\r?\n|<\?xml|<stream:stream|\x30(?s:.){0,64}1\.3\.6\.1\.4\.1\.1466\.20037"
    rb"|\0\0\0\x08\x04\xd2\x16[\x2f\x30]"
).match


def greets(server: bytes) -> bool:
    """Whether a server's first bytes are those of such a protocol."""
    return _GREETINGS(server) is not None


def begins(client: bytes) -> bool:
    """Whether a client's first bytes are those of such a protocol."""
    return _OPENINGS(client) is not None


def negotiate(client: bytes, server: bytes) -> Outcome:
    """Find where TLS begins on both sides."""
    for hello in islice(_HELLO(client), _MOST_HELLOS):
        name = next((name for name, command in _COMMANDS if command.search(client, 0, hello.start())), None)
        if name is not None:
            answer = _ANSWER(server)
            if answer is None:
                break
            return Done(f"STARTTLS ({name})", "", hello.start(), answer.start())
    if len(client) > MOST or len(server) > MOST:
        return Failed("STARTTLS", "no TLS began")
    return None
