"""The finding ``cert-refused-without-alert`` where only the client's words tell why it left.

curl, Node.js and others finish the handshake, look at the certificate by themselves and close. On the wire a
health check does the same, so that ``unexplained`` stands there until the program is heard.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.certificate_defects import certificate_defect
from plainwire.model import Evidence, Side

from .program_finding import finding_of_the_program, of_processes, take_over
from .wording import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Finding, ProgramEvents, Sign

    from .sayings import Said

CODE = "cert-refused-without-alert"
_MOST_CITED = 8
_NOTED = re.compile(r"verify error:num=|[Vv]erify return code|^Verification error").search


def refused_certificates(
    connections: Sequence[Connection],
    findings: list[Finding],
    signs: Sequence[Sign],
    events: ProgramEvents,
    heard: Sequence[Said],
) -> list[Finding]:
    """The findings, ``unexplained`` ones replaced where the program said that it refused a certificate."""
    said = [each for each in heard if each.wire == {Wire.CERTIFICATE} and not _goes_on(each)]
    speakers = {each.pid for each in said}
    left = {c.id: c for c in of_processes(connections, speakers) if _left(c)}
    findings = [*_in_quic(connections, findings, events, said), *findings]
    weak = [f for f in findings if f.code == "unexplained" and f.connections and not f.exchanges]
    weak = [f for f in weak if left.keys() >= set(f.connections)]
    if not weak:
        return findings
    own = [left[number] for finding in weak for number in finding.connections]
    take_over(signs, "unexplained", CODE, {c.id for c in own})
    tls = opening.handshake_session(own[0])
    why = "" if tls is None else certificate_defect(own[0], tls)[1]
    often = plurals.count(len(own), "connection")
    found = finding_of_the_program(
        CODE,
        f"The client left after the TLS handshake, without a request, on {often}, and said that it does not "
        f"accept the server's certificate. {why}".rstrip(),
        [cited for finding in weak for cited in finding.evidence],
        said,
        events,
        fault="unknown",
        runner_up="a client that only looks whether the server is there: refuted, it says that it failed",
        connections=own,
    )
    return [found, *(finding for finding in findings if finding not in weak)]


def _in_quic(
    connections: Sequence[Connection], findings: Sequence[Finding], events: ProgramEvents, said: list[Said]
) -> list[Finding]:
    """The same in a handshake of QUIC that cannot be read: the client's alert is under keys of its own."""
    told = {number for finding in findings for number in finding.connections}
    own = [
        c
        for c in of_processes(connections, {each.pid for each in said})
        if c.transport == "quic" and c.undecrypted and not c.exchanges and c.id not in told
    ]
    if not own:
        return []
    return [
        finding_of_the_program(
            CODE,
            f"The client said that it does not accept the server's certificate, and came to no request on "
            f"{plurals.count(len(own), 'connection')} of QUIC. What it told the server cannot be read: the "
            "secrets of the handshake are not there.",
            [Evidence(c.first_packet, f"connection {c.id} begins") for c in own[:_MOST_CITED]],
            said,
            events,
            fault="unknown",
            runner_up="a server that ends the handshake: refuted, the client says that it was itself",
            connections=own,
        )
    ]


def _goes_on(said: Said) -> bool:
    """Whether it is a note of openssl s_client's, which goes on whatever it finds."""
    return any(_NOTED(line.text) for line in said.lines)


def _left(connection: Connection) -> bool:
    """Whether the client was the first to close, and had sent nothing over a session of TLS."""
    tls = opening.handshake_session(connection)
    close = connection.closes[0] if connection.closes else None
    return (
        tls is not None
        and bool(tls.certificate)
        and not tls.talked[Side.CLIENT]
        and close is not None
        and close.side == Side.CLIENT
    )
