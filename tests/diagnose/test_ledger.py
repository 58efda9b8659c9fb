"""Every sign is claimed by a finding, harmless for a named reason, or said to be unexplained."""

from __future__ import annotations

from plainwire import model
from plainwire.diagnose import account, account_program, diagnose
from plainwire.diagnose.ledger import claim
from plainwire.model import Connection, Evidence, Finding, Sign
from plainwire.pipeline import exit_code
from tests.diagnose.wire import CLIENT, SERVER, Wire


def _accounted(*connections: Connection) -> tuple[list[Sign], list[Finding]]:
    findings = diagnose(connections)
    return account(connections, findings), findings


def _finding(code: str, *, exchanges: list[int], packets: list[int], failure: bool = True) -> Finding:
    evidence = [Evidence(packet, "it") for packet in packets]
    return Finding(code, "", "server", "likely", exchanges, [1], evidence, "", failure=failure)


def test_nothing_stands_in_the_ledger_of_healthy_exchanges() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "close_notify", 200)
    wire.close(CLIENT, "fin", 200)
    wire.close(SERVER, "fin", 280)
    assert _accounted(wire.done()) == ([], [])


def test_what_a_finding_explains_it_claims() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(100)
    wire.close(SERVER, "rst", 180)
    signs, findings = _accounted(wire.done("unanswered"))
    assert [f.code for f in findings] == ["reset-mid-request"]
    assert {(s.kind, s.claimed_by) for s in signs} == {
        ("reset-by-server", "reset-mid-request"),
        ("no-response", "reset-mid-request"),
    }


def test_what_nothing_explains_is_a_finding_that_accuses_nobody() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(100)
    wire.answer(180, status=413)
    signs, (finding,) = _accounted(wire.done())
    assert [(s.kind, s.claimed_by) for s in signs] == [("status-4xx", "unexplained")]
    assert (finding.code, finding.fault, finding.certainty) == ("unexplained", "unknown", "possible")
    assert finding.exchanges == [2]
    assert "status 413" in finding.claim
    assert finding.packets == signs[0].packets


def test_one_finding_for_each_server_counts_its_connections() -> None:
    several = []
    for number in range(1, 4):
        wire = Wire(id=number, first_exchange=number, first_packet=number * 10)
        wire.ask(0)
        wire.answer(80, status=413)
        several.append(wire.done())
    _, (finding,) = _accounted(*several)
    assert finding.exchanges == [1, 2, 3]
    assert finding.claim.startswith("3 of 3 requests")


def test_a_quiet_finding_claims_only_what_it_cites() -> None:
    signs = [Sign("no-response", [7], 1, 1), Sign("reset-by-server", [8], 1)]
    claim(signs, [_finding("slow-first-byte", exchanges=[1], packets=[7], failure=False)])
    assert [s.claimed_by for s in signs] == ["slow-first-byte", None]


def test_a_failure_claims_what_befell_its_exchange_and_its_connection() -> None:
    signs = [Sign("no-response", [7], 1, 1), Sign("reset-by-server", [8], 1), Sign("no-response", [9], 2, 3)]
    claim(signs, [_finding("close-mid-request", exchanges=[1], packets=[5])])
    assert [s.claimed_by for s in signs] == ["close-mid-request", "close-mid-request", None]


def test_a_harmless_sign_stays_so_unless_its_packet_is_evidence() -> None:
    signs = [
        Sign("reset-by-client", [8], 1, None, "harmless: x"),
        Sign("reset-by-server", [9], 1, None, "harmless: x"),
    ]
    claim(signs, [_finding("close-mid-request", exchanges=[1], packets=[9])])
    assert [s.claimed_by for s in signs] == ["harmless: x", "close-mid-request"]


def _watched(connection: Connection, *, status: int) -> tuple[list[Sign], Finding | None, model.Report]:
    report = model.Report(model.Coverage(), [connection], connection.exchanges, [], [])
    events = model.ProgramEvents(command=["client"], exit_status=status)
    told = model.Testimony(["client"], status, [])
    signs, finding = account_program(report, events, told, stopped="")
    report.signs = signs
    return signs, finding, report


def test_a_program_that_failed_while_all_went_well_on_the_wire_is_said_to_be_unexplained() -> None:
    wire = Wire()
    wire.ok(0)
    signs, finding, _ = _watched(wire.done(), status=3)
    assert [(sign.kind, sign.claimed_by) for sign in signs] == [("exit-status", "unexplained")]
    assert finding is not None
    assert (finding.code, finding.fault, finding.certainty) == ("unexplained", "unknown", "possible")
    assert finding.claim == ("The program ended with status 3. Nothing that was seen on the wire says why.")


def test_a_program_that_ended_well_has_nothing_to_explain() -> None:
    wire = Wire()
    wire.ok(0)
    assert _watched(wire.done(), status=0)[:2] == ([], None)


def test_where_the_traffic_could_not_be_read_the_sign_stays_open_and_rules_nothing_out() -> None:
    signs, finding, report = _watched(Wire().done(), status=3)
    assert finding is None
    assert [sign.claimed_by for sign in signs] == [None]
    assert exit_code(report) == 3


def test_connections_that_a_finding_is_about_are_claimed_however_many_and_failed_or_not() -> None:
    """A finding cites a part of them only."""
    refused = [Sign("connect-failed", [number], number) for number in range(1, 60)]
    finding = _finding("connection-refused", exchanges=[], packets=[1], failure=False)
    finding.connections = list(range(1, 60))
    claim(refused, [finding])
    assert {sign.claimed_by for sign in refused} == {"connection-refused"}
