"""The server waited in vain for the rest of the request."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire, only


def test_an_upload_that_its_sender_did_not_finish() -> None:
    wire = Wire()
    request = wire.ask(0, method="PUT", size=500, complete=False).request
    assert request is not None
    request.declared_size, request.body_size = 1000, 400
    wire.ack(SERVER, 80)
    wire.close(SERVER, "fin", 20_080)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("request-body-timeout", "client", "proved")
    assert "400 of the 1000 bytes" in finding.claim


def test_a_408_to_a_body_that_did_not_come() -> None:
    wire = Wire()
    request = wire.ask(0, method="PUT", size=500, complete=False).request
    assert request is not None
    request.declared_size, request.body_size = 1000, 400
    wire.ack(SERVER, 80)
    wire.answer(20_000, status=408)
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault) == ("request-body-timeout", "client")
