"""The server closed the connection before the response was complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.cuts import half
from tests.diagnose.wire import SERVER, only

if TYPE_CHECKING:
    from plainwire.model import CloseKind


@pytest.mark.parametrize(("kind", "certainty"), [("close_notify", "proved"), ("fin", "likely")])
def test_only_an_authenticated_close_proves_who_cut_the_response(kind: CloseKind, certainty: str) -> None:
    wire = half()
    wire.close(SERVER, kind, 600)
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("response-truncated", "server", certainty)


def test_a_chunked_body_without_its_last_chunk_is_truncated() -> None:
    wire = half(framing="chunked")
    wire.close(SERVER, "fin", 600)
    assert "no last chunk" in only(diagnose([wire.done()])).claim
