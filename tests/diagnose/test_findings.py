"""Many failures with one cause are one finding."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Endpoint
from tests.diagnose.wire import SERVER, SERVER_END, Wire, only

MANY = 40


def reset(number: int, server: Endpoint = SERVER_END, ttl: int | None = None) -> Wire:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=10 * number, server=server)
    wire.ok(0, f"/a{number}")
    wire.ask(500, f"/b{number}")
    wire.close(SERVER, "rst", 580, ttl=ttl)
    return wire


def test_the_same_cause_at_the_same_server_is_told_once_with_all_its_exchanges() -> None:
    finding = only(diagnose([reset(n).done("unanswered") for n in range(1, MANY + 1)]))
    assert finding.claim.startswith(f"{MANY} of {2 * MANY} requests to 203.0.113.7:443")
    assert len(finding.exchanges) == MANY
    assert finding.connections == list(range(1, MANY + 1))


def test_the_evidence_is_capped_but_whole_for_the_first_exchanges() -> None:
    finding = only(diagnose([reset(n).done("unanswered") for n in range(1, MANY + 1)]))
    assert {12, 13, 22, 23} <= set(finding.packets)
    assert len(finding.evidence) <= 60


def test_two_servers_are_two_findings() -> None:
    other = reset(2, Endpoint("203.0.113.8", 443))
    assert len(diagnose([reset(1).done("unanswered"), other.done("unanswered")])) == 2


def test_a_reset_from_the_path_is_not_counted_with_the_server_s() -> None:
    findings = diagnose([reset(1).done("unanswered"), reset(2, ttl=250).done("unanswered")])
    assert {(finding.code, finding.fault) for finding in findings} == {
        ("reset-mid-request", "server"),
        ("middlebox-injected-reset", "path"),
    }


def test_a_finding_is_as_certain_as_its_weakest_member_and_says_so() -> None:
    weak = reset(2).done("unanswered")
    weak.mid_stream = True
    finding = only(diagnose([reset(1).done("unanswered"), weak]))
    assert finding.certainty == "possible"
    assert "(1 likely, 1 possible.)" in finding.claim


def test_one_unsafe_retry_makes_the_finding_unsafe() -> None:
    post = Wire(id=2, first_exchange=20, first_packet=20)
    post.ask(0, method="POST")
    post.close(SERVER, "rst", 80)
    assert only(diagnose([reset(1).done("unanswered"), post.done("unanswered")])).retry_safe is False
