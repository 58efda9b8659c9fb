"""What lies behind a client that refuses the handshake: a Diffie-Hellman group that is too small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose.evidence import opening
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import CloseEvent, Connection

_REFUSALS = frozenset(("handshake_failure", "insufficient_security", "illegal_parameter"))

_SMALL_BITS = 2048
"""RFC 9325 section 4.5: no group of fewer bits. OpenSSL refuses less than 2048 at security level 2."""


def weak_dh(verdict: Verdict, connection: Connection, close: CloseEvent) -> Verdict | None:
    """The verdict on a client's alert right behind a ServerKeyExchange with a small prime; None for others.

    Version and cipher suite were agreed upon by then, so that they are not what the alert is about.
    """
    tls, begin = opening.handshake_session(connection), opening.of_handshake(connection)
    if tls is None or begin is None or close.side != Side.CLIENT or close.detail not in _REFUSALS:
        return None
    if tls.dh_bits is None or tls.dh_bits >= _SMALL_BITS:
        return None
    return replace(
        verdict,
        fault="server",
        facts=f"{verdict.facts} The server had chosen a DHE suite, with a Diffie-Hellman group of "
        f"{tls.dh_bits} bits: clients of today refuse less than {_SMALL_BITS}. Version and suite had been "
        "agreed upon, so that the group is what is left to refuse.",
        evidence=(
            *verdict.evidence,
            *(Evidence(s.packet, f"the server's prime, {tls.dh_bits} bits") for s in begin.answers[-1:]),
        ),
        advice_client="Do not lower the security level for everything; leave DHE suites out for this server "
        "(prefer ECDHE), if it has others.",
        advice_server="Prefer ECDHE suites, or use a group of 2048 bits or more (RFC 7919).",
        runner_up="no common version or cipher suite: refuted, the server had chosen both from the client's",
    )
