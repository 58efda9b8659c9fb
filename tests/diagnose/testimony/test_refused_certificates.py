"""A client that left after the handshake: why, its words tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose.testimony.refused_certificates import refused_certificates
from plainwire.diagnose.testimony.sayings import read_messages
from plainwire.model import Certificate, Evidence, Finding, Sign, Undecrypted
from tests.diagnose.testimony.speech import NODE, OWNER, account, words
from tests.diagnose.wire import CLIENT, EPOCH_NS, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Side

REFUSED = "Error: unable to verify the first certificate\n"
_DAY_NS = 86_400 * 10**9


def _unexplained() -> Finding:
    return Finding(
        code="unexplained",
        claim="",
        fault="unknown",
        certainty="possible",
        exchanges=[],
        connections=[1],
        evidence=[Evidence(1, "the client left")],
        refuted_by="",
        runner_up="",
        retry_safe=None,
        advice_client="",
        advice_server="",
        references=[],
    )


@pytest.mark.parametrize(
    ("text", "first", "pid", "code"),
    [
        (REFUSED, CLIENT, 7, "cert-refused-without-alert"),
        ("ERR SELF_SIGNED_CERT_IN_CHAIN\n", CLIENT, 7, "cert-refused-without-alert"),
        (REFUSED, CLIENT, 9, "unexplained"),
        (REFUSED, SERVER, 7, "unexplained"),
        ("Error: socket hang up\n", CLIENT, 7, "unexplained"),
        ("verify error:num=21:unable to verify the first certificate\n", CLIENT, 7, "unexplained"),
        ("", CLIENT, 7, "unexplained"),
    ],
)
def test_whose_words_and_which_words(text: str, first: Side, pid: int, code: str) -> None:
    wire = Wire()
    wire.close(first, "close_notify", 100)
    connection = wire.done()
    connection.program = OWNER
    assert connection.tls is not None
    connection.tls.certificate, connection.tls.chain, connection.tls.server_name = b"x", 1, "a.test"
    connection.tls.leaf = Certificate("CN=a", "CN=b", ("a.test",), 0, EPOCH_NS + _DAY_NS)
    events = account(words(text, 110, pid=pid), process=NODE)
    signs = [Sign("handshake-unused", [1], connection=1, claimed_by="unexplained", says="it left")]
    found = refused_certificates([connection], [_unexplained()], signs, events, read_messages(events))
    assert only(found).code == signs[0].claimed_by == code
    assert ("its own certificate only" in only(found).claim) == (code != "unexplained")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("WARNING:quic:[1] Error: 298, reason: unable to get local issuer certificate\n", True),
        ("WARNING:quic:[1] Error: 298, reason: hostname 'a.test' doesn't match 'b.test'\n", True),
        ("ConnectionError\n", False),
    ],
)
def test_a_handshake_of_quic_that_cannot_be_read(text: str, *, code: bool) -> None:
    """Aioquic's alert goes out under keys of the handshake."""
    connection = Wire(tls=False).done()
    connection.transport, connection.program = "quic", OWNER
    connection.undecrypted = [Undecrypted("no secret", CLIENT)]
    events = account(words(text, 110))
    found = refused_certificates([connection], [], [], events, read_messages(events))
    assert [f.code for f in found] == ["cert-refused-without-alert"] * code
