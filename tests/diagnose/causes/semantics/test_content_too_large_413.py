"""Bodies that are larger than a server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import account, diagnose
from tests.diagnose.wire import Wire

if TYPE_CHECKING:
    from plainwire.model import Finding, Sign


def _posted(*sizes: tuple[int, int], chunked: bool = False) -> tuple[list[Finding], list[Sign]]:
    wire = Wire()
    for number, (size, status) in enumerate(sizes):
        request = wire.ask(number * 500, method="POST", size=size).request
        assert request is not None
        request.body_size, request.declared_size = size, None if chunked else size
        request.framing = "chunked" if chunked else "content-length"
        wire.answer(number * 500 + 80, status=status)
    connections = [wire.done()]
    findings = diagnose(connections)
    return findings, account(connections, findings)


def test_the_size_stands_beside_the_largest_that_was_accepted() -> None:
    """veliovgroup/Meteor-Files#649, samvera/hyku#200: nginx's default of 1 MB."""
    (finding,), signs = _posted((900, 200), (2000, 413))
    assert (finding.code, finding.fault, finding.exchanges) == ("content-too-large-413", "unknown", [2])
    assert "has 2000 bytes" in finding.claim
    assert "accepted here has 900 bytes" in finding.claim
    assert {sign.claimed_by for sign in signs} == {"content-too-large-413"}


def test_a_413_to_a_chunked_body_is_told_without_a_declared_length() -> None:
    (finding,), _ = _posted((2000, 413), chunked=True)
    assert finding.code == "content-too-large-413"


def test_a_413_to_a_request_without_a_body_is_about_something_else() -> None:
    findings, _ = _posted((0, 413))
    assert {finding.code for finding in findings} == {"unexplained"}
