"""Handshakes that the client gave up: that its time was up, only its words tell."""

from __future__ import annotations

import pytest

from plainwire.diagnose import account as account_for
from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.sayings import read_messages
from plainwire.diagnose.testimony.spoken_handshakes import spoken_handshakes
from plainwire.model import Process, TlsInfo
from tests.diagnose.opening import Opening
from tests.diagnose.testimony.speech import OWNER, PID, account, words
from tests.diagnose.wire import CLIENT, SERVER, only

JDK = "java.net.http.HttpConnectTimeoutException: HTTP connect timed out\n"
CAUSE = "Caused by: java.net.ConnectException: HTTP connect timed out\n"


@pytest.mark.parametrize(
    ("text", "status", "pid", "code"),
    [
        (JDK + CAUSE, 1, PID, "client-timeout-too-short"),
        ("", 28, PID, "client-timeout-too-short"),
        ("", 35, PID, "unexplained"),
        (JDK, 1, 9, "unexplained"),
        ("javax.net.ssl.SSLHandshakeException: PKIX path building failed\n", 1, PID, "unexplained"),
    ],
)
def test_whose_words_and_which_words(text: str, status: int, pid: int, code: str) -> None:
    opening = Opening().syn(0).accept().hello(81)
    opening.segment(SERVER, 161, ack=517)
    opening.tls = TlsInfo("TLS 1.3", starts=[0, -1], hello_size=517)
    opening.close(CLIENT, "fin", 580, seq=517)
    connection = opening.done()
    connection.program = OWNER
    findings = diagnose([connection])
    signs = account_for([connection], findings)
    findings = [f for f in findings if f.code == "unexplained"]
    runtime = "java" if status == 1 else "curl"
    process = Process(PID, runtime, f"/usr/bin/{runtime}", runtime)
    events = account(*([words(text, 585, pid=pid)] if text else []), process=process, status=status)
    found = only(spoken_handshakes([connection], findings, signs, events, read_messages(events)))
    assert found.code == code
    assert {sign.claimed_by for sign in signs} == {code}
    assert code == "unexplained" or (found.fault, found.certainty) == ("client", "likely")
