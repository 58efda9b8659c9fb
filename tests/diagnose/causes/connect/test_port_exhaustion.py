"""New connections fail while old ones go on: the ports may be used up."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import EPOCH_NS, Wire, only


def test_many_connections_and_silence_only_for_a_new_one_may_be_a_nat_without_ports() -> None:
    old = Wire(id=900, first_packet=900_000)
    old.ok(-1000)
    old.ok(5000)
    crowd = [healthy(number, start=-500) for number in range(100, 600)]
    connection = old.done()
    connection.opened_ns = EPOCH_NS - 10**9
    new = Opening(2000).syn(0, 1000, 3000).done()
    finding = only(diagnose([connection, *crowd, new]))
    assert (finding.code, finding.certainty) == ("port-exhaustion", "possible")
