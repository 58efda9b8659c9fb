"""The server ended the connection with a GOAWAY that names an error."""

from __future__ import annotations

import pytest

from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import CLIENT


def test_a_goaway_with_an_error_is_not_called_a_race() -> None:
    scene = Multiplexed().goaway(1, "ENHANCE_YOUR_CALM")
    scene.failed.outcome = "refused"
    assert says(scene.finding()) == ("goaway-error-enhance-your-calm", "unknown", "proved", True)
    assert "ENHANCE_YOUR_CALM" in scene.finding().claim


def test_what_follows_a_goaway_with_an_error_is_not_the_clients_fault() -> None:
    scene = Multiplexed().goaway(3, "ENHANCE_YOUR_CALM").close(CLIENT, "fin", 300)
    scene.failed.outcome = "aborted"
    assert says(scene.finding())[:2] == ("goaway-error-enhance-your-calm", "unknown")
    scene = Multiplexed().goaway(3, "INTERNAL_ERROR").reset(CLIENT, "CANCEL", "aborted")
    assert scene.finding().code == "goaway-error-internal-error"


@pytest.mark.parametrize(
    ("defect", "says"),
    [
        ("", "do decode here"),
        ("index 99 is not in the header table (RFC 7541 section 2.3.3)", "does not decode here either"),
    ],
)
def test_an_accusation_of_header_compression_is_checked_by_decoding(defect: str, says: str) -> None:
    scene = Multiplexed().goaway(1, "COMPRESSION_ERROR")
    scene.failed.outcome = "refused"
    assert scene.failed.request
    scene.failed.request.defects = [defect] if defect else []
    finding = scene.finding()
    assert (finding.code, finding.fault) == ("h2-header-compression-desync", "unknown")
    assert says in finding.claim


def test_settings_that_were_not_acknowledged_have_a_code_of_their_own() -> None:
    scene = Multiplexed().goaway(1, "SETTINGS_TIMEOUT")
    scene.failed.outcome = "refused"
    assert says(scene.finding()) == ("h2-settings-timeout", "unknown", "proved", True)
