"""The request breaks the rules of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.causes.middlebox.gateways import served

if TYPE_CHECKING:
    from plainwire.model import Connection


def bad_request(defects: list[str], status: int = 400) -> Connection:
    connection = served((status, 5.0))
    request = connection.exchanges[0].request
    assert request is not None
    request.defects = defects
    return connection


def test_a_broken_request_that_is_refused_as_such_is_the_client_s() -> None:
    (finding,) = diagnose([bad_request(["no Host"])])
    assert (finding.code, finding.fault, finding.certainty) == ("client-bug-request", "client", "proved")
    assert "Host" not in finding.claim


def test_a_400_without_a_defect_is_the_program_s_own_business() -> None:
    assert diagnose([bad_request([])]) == []


def test_a_broken_request_that_was_answered_well_is_no_finding() -> None:
    assert diagnose([bad_request(["no Host"], status=200)]) == []
