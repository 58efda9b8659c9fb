"""A certificate that is not yet, or no longer, valid by the capture's clock."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import (
    Certificate,
)
from tests.diagnose.causes.handshake.greetings import DAY_NS, refusing
from tests.diagnose.wire import EPOCH_NS, Wire, only


def test_a_certificate_that_is_not_valid_yet_is_a_matter_of_clocks() -> None:
    leaf = Certificate(not_before_ns=EPOCH_NS + DAY_NS, not_after_ns=EPOCH_NS + 9 * DAY_NS)
    finding = only(diagnose([refusing("certificate_expired", leaf)]))
    assert (finding.code, finding.fault) == ("clock-skew-cert", "unknown")


def test_the_date_of_a_response_tells_whose_clock_is_wrong() -> None:
    leaf = Certificate(not_before_ns=EPOCH_NS + DAY_NS, not_after_ns=EPOCH_NS + 9 * DAY_NS)
    other = Wire(id=7, first_packet=7000)
    response = other.ok(0).response
    assert response is not None
    response.headers.append(("Date", "Thu, 16 Nov 2023 22:13:20 GMT"))  # two days after EPOCH_NS
    finding = only(diagnose([other.done(), refusing("certificate_expired", leaf)]))
    assert (finding.code, finding.fault) == ("clock-skew-cert", "client")
    assert response.packet in finding.packets
