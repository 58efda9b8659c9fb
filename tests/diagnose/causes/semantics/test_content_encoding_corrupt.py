"""The body cannot be decoded."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Content, Finding
from tests.diagnose.wire import Wire, only


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
