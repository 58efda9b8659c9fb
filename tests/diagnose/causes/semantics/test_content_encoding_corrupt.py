"""The body cannot be decoded."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Content, Finding, Gap
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def coded(defect: str) -> list[Finding]:
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    response.content = Content(["gzip"], 50, complete=False, defect=defect)
    return diagnose([wire.done()])


def test_a_complete_body_that_cannot_be_decoded() -> None:
    finding = only(coded("corrupt gzip in bytes 0 to 100 of the body"))
    assert (finding.code, finding.fault, finding.failure) == ("content-encoding-corrupt", "server", True)
    assert only(coded("the gzip content ends before its end")).code == "content-encoding-corrupt"


@pytest.mark.parametrize("defect", ["content coding zz is not decoded", "not decoded beyond 9 bytes"])
def test_what_plainwire_cannot_decode_is_not_the_server_s_fault(defect: str) -> None:
    assert coded(defect) == []


def test_a_body_with_a_hole_of_the_capture_is_nobody_s_fault() -> None:
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    response.content = Content(["gzip"], 50, complete=False, defect="corrupt gzip in bytes 0 to 100")
    wire.ack(CLIENT, 90)
    connection = wire.done()
    connection.gaps.append(Gap(SERVER, 50, 20, packet=2))
    assert [f.code for f in diagnose([connection])] == []
