"""Redirects that came to nothing, and a program that failed over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose.testimony.lost_redirects import lost_redirects
from tests.diagnose.testimony.speech import OWNER, account, words
from tests.diagnose.wire import Wire, only

if TYPE_CHECKING:
    from plainwire.model import Finding

NO_PLACE = words("http error: the 302 response is missing a Location header", 900)
SAID = ("said",)


def _found(
    *steps: tuple[str, str, int, str], exit_status: int = 1, said: tuple[str, ...] = ()
) -> list[Finding]:
    """Each step: method, target, status, Location (none where empty)."""
    wire = Wire()
    for number, (method, target, status, location) in enumerate(steps):
        wire.ask(100 * number, target, method=method)
        wire.answer(100 * number + 50, status=status)
        if location:
            response = wire.exchanges[-1].response
            assert response is not None
            response.headers = [*response.headers, ("Location", location)]
    connection = wire.done()
    connection.program = OWNER
    events = account(*((NO_PLACE,) if said else ()), status=exit_status)
    return lost_redirects([connection], [], events)


def test_a_redirect_without_location_before_a_program_failed() -> None:
    """OJ/gobuster#300, googleapis/google-api-python-client#891."""
    finding = only(_found(("GET", "/a", 200, ""), ("GET", "/b", 302, "")))
    assert (finding.code, finding.fault, finding.certainty) == ("bad-framing", "server", "likely")
    assert finding.exchanges == [2]


def test_what_the_program_names_need_not_be_the_last() -> None:
    assert only(_found(("GET", "/b", 302, ""), ("GET", "/a", 200, ""), said=SAID)).exchanges == [1]
    assert not _found(("GET", "/b", 302, ""), ("GET", "/a", 200, ""))


def test_who_takes_a_redirect_without_location_has_not_failed() -> None:
    """golang/go#49281: a 301 of S3 that names the region in another field."""
    assert not _found(("GET", "/b", 301, ""), exit_status=0)
    assert not _found(("GET", "/b", 304, ""))


def test_a_form_whose_redirect_leads_to_nothing() -> None:
    """pglombardo/PasswordPusher#169, dgtlmoon/changedetection.io#4068."""
    finding = only(_found(("POST", "/in", 302, "/done"), ("GET", "/done", 404, "")))
    assert (finding.code, finding.fault, finding.retry_safe) == ("redirect-changed-request", "server", False)
    assert finding.exchanges == [2]


@pytest.mark.parametrize(
    "steps",
    [
        (("POST", "/in", 302, "/done"), ("GET", "/done", 200, "")),
        (("POST", "/in", 302, "/done"), ("GET", "/other", 404, "")),
        (("GET", "/in", 302, "/done"), ("GET", "/done", 404, "")),
        (("POST", "/in", 302, "/in/"), ("GET", "/in/", 404, "")),
    ],
)
def test_other_404s_and_successes(steps: tuple[tuple[str, str, int, str], ...]) -> None:
    assert not _found(*steps)
