"""A response kept the connection open, and the server closed."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.policies import lost, run
from tests.diagnose.wire import SERVER, Wire, only


def test_a_close_with_the_response_that_did_not_announce_it_is_the_server_s() -> None:
    wire = Wire()
    at = run(wire, 2)
    finding = only(diagnose([lost(wire, at + 2, sent_at=at + 1)]))
    assert finding.code == "close-unannounced-after-response"
    assert (finding.fault, finding.certainty, finding.retry_safe) == ("server", "likely", True)


@pytest.mark.parametrize("margin", [6, 94])
def test_a_client_that_went_on_at_once_after_the_unannounced_close_is_excused(margin: float) -> None:
    """Seen with curl, on a busy machine and because it does not look into what came."""
    wire = Wire()
    at = run(wire, 2)
    wire.close(SERVER, "close_notify", at)
    wire.ask(at + margin)
    wire.close(SERVER, "rst", at + margin + 80, bare=True)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault) == ("close-unannounced-after-response", "server")
