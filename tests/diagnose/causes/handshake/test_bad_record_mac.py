"""Records that authenticate neither here nor where they were sent to."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Side, Undecrypted
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

REASON = "wrong secret (MAC failed at record 6)"


def damaged(side: Side = CLIENT, *, detail: str = "bad_record_mac", asks: bool = False) -> Connection:
    """A record that cannot be read, after a healthy exchange; and the server's alert."""
    wire = Wire()
    wire.ok(0)
    if asks:
        wire.ask(400)
    row = wire.segment(side, 500, length=120)
    wire.close(SERVER, "alert", 580, detail=detail)
    connection = wire.done("unanswered" if asks else None)
    connection.undecrypted = [Undecrypted(REASON, side, row.packet)]
    return connection


def test_record_that_its_receiver_cannot_read_either() -> None:
    connection = damaged()
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault, finding.exchanges) == ("bad-record-mac", "unknown", [])
    assert connection.undecrypted[0].packet in finding.packets
    assert "does not authenticate here either" in finding.claim


def test_request_behind_such_a_record_is_not_hidden_by_the_capture() -> None:
    finding = only(diagnose([damaged(asks=True)]))
    assert (finding.code, finding.exchanges) == ("bad-record-mac", [2])
    assert "behind the place of capture" not in finding.claim


@pytest.mark.parametrize(("side", "detail"), [(SERVER, "bad_record_mac"), (CLIENT, "internal_error")])
def test_alert_about_something_else_confirms_nothing(side: Side, detail: str) -> None:
    assert "bad-record-mac" not in {f.code for f in diagnose([damaged(side, detail=detail)])}


@pytest.mark.parametrize("skipped", [[0, 1], [0, 0]])
def test_a_record_that_the_server_counted_and_never_sent(skipped: list[int]) -> None:
    """Go's http.Server behind its WriteTimeout (DataDog/datadog-agent#55591)."""
    wire = Wire()
    wire.ask(0)
    wire.ack(SERVER, 80)
    wire.close(SERVER, "close_notify", 3080)
    wire.close(CLIENT, "alert", 3081, detail="bad_record_mac")
    connection = wire.done("unanswered")
    assert connection.tls is not None
    connection.tls.numbers_skipped = skipped
    finding = only(diagnose([connection]))
    if any(skipped):
        assert (finding.code, finding.fault, finding.certainty) == ("bad-record-mac", "server", "proved")
        assert "had counted 1 record that it never sent" in finding.claim
    else:
        assert finding.code == "close-mid-request"
