"""The server had no room for another connection."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, SYN, Connection
from tests.diagnose.opening import Opening
from tests.diagnose.wire import SERVER, only


def overflowing(*, heard: bool = True, acknowledged: bool = False) -> Connection:
    opening = Opening().syn(0).accept(1).hello(2, 205, 620)
    if acknowledged:
        opening.segment(SERVER, 3, ack=517)
    opening.segment(SERVER, 1010, SYN | ACK, seq=-1)
    if heard:
        opening.hello(1400)
        opening.segment(SERVER, 1401, ack=517)
        opening.segment(SERVER, 1402, ACK | PSH, ack=517, length=2000)
    return opening.done()


def test_a_syn_ack_again_and_again_with_the_client_s_data_ignored_is_a_full_queue() -> None:
    finding = only(diagnose([overflowing()]))
    assert (finding.code, finding.fault, finding.failure) == ("accept-queue-overflow", "server", False)
    assert only(diagnose([overflowing(heard=False)])).failure


def test_a_server_that_had_acknowledged_the_data_has_no_full_queue() -> None:
    assert diagnose([overflowing(acknowledged=True)]) == []
