"""The client began HTTP/2, and the server never did."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, StreamEvent, TlsInfo
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, only

BEGAN = 10.0


def begun(*, tls: TlsInfo | None, ends: float | None, by: str = "server", said: str = "") -> Connection:
    """The client's preface and SETTINGS, which TCP acknowledges, and what came of it; milliseconds."""
    opening = Opening(1).syn(0).accept()
    row = opening.segment(CLIENT, BEGAN, length=82)
    opening.segment(SERVER, BEGAN + 1, ack=82)
    events = [StreamEvent("settings", CLIENT, EPOCH_NS + int(BEGAN * MS), row)]
    if said:
        packet = opening.segment(SERVER, BEGAN + 2, ack=82, length=len(said))
        events.append(StreamEvent("no_frames", SERVER, EPOCH_NS + int((BEGAN + 2) * MS), packet, said=said))
    if ends is not None:
        opening.close(
            SERVER if by == "server" else CLIENT, "fin", ends, seq=len(said) if by == "server" else 82
        )
    connection = opening.done()
    connection.tls, connection.events = tls, events
    return connection


AGREED = TlsInfo(version="TLS 1.3", cipher_suite="TLS_AES_128_GCM_SHA256", alpn="h2", handshake_complete=True)


@pytest.mark.parametrize(
    ("connection", "code", "fault", "certainty"),
    [
        (begun(tls=AGREED, ends=3010, by="client"), "h2-not-spoken", "server", "likely"),
        (begun(tls=AGREED, ends=12), "h2-not-spoken", "server", "likely"),
        (begun(tls=None, ends=12), "h2-not-spoken", "unknown", "likely"),
        (begun(tls=AGREED, ends=13, said="HTTP/1.1 400 Bad Request"), "h2-not-spoken", "server", "likely"),
        (
            begun(tls=None, ends=13, by="client", said="HTTP/1.1 400 Bad"),
            "h2-not-spoken",
            "client",
            "likely",
        ),
        (
            begun(tls=TlsInfo(version="TLS 1.3", alpn="h2", certificate_withheld=True), ends=12),
            "client-certificate-rejected",
            "client",
            "likely",
        ),
    ],
)
def test_silence_a_close_and_another_protocol_in_place_of_settings(
    connection: Connection, code: str, fault: str, certainty: str
) -> None:
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault, finding.certainty) == (code, fault, certainty)
    assert finding.retry_safe


def test_a_client_that_leaves_at_once_is_a_health_check() -> None:
    assert diagnose([begun(tls=AGREED, ends=300, by="client")]) == []


def test_a_server_that_sent_its_settings_speaks_it() -> None:
    connection = begun(tls=AGREED, ends=3010, by="client")
    connection.events.append(StreamEvent("settings", SERVER, EPOCH_NS + 11 * MS, 3))
    assert diagnose([connection]) == []


def test_a_port_that_speaks_tls_on_another_connection_was_spoken_to_in_clear_text() -> None:
    other = Opening(2).syn(100).accept().hello(102).done()
    other.tls = AGREED
    finding = only(diagnose([begun(tls=None, ends=12), other]))
    assert (finding.code, finding.fault) == ("clear-text-to-tls-port", "client")


@pytest.mark.parametrize(("offered", "codes"), [(["h2"], ["h2-not-spoken"]), (["h2", "http/1.1"], [])])
def test_a_client_that_knows_nothing_but_http2_leaves_where_it_is_not_chosen(
    offered: list[str], codes: list[str]
) -> None:
    opening = Opening().syn(0).accept().hello(81)
    opening.segment(SERVER, 162, ack=517, length=1200)
    opening.close(CLIENT, "fin", 170, seq=517, ack=1200)
    connection = opening.done()
    connection.tls = TlsInfo(
        version="TLS 1.3", alpn_offered=offered, handshake_complete=True, certificate=b"x"
    )
    assert [finding.code for finding in diagnose([connection])] == codes
