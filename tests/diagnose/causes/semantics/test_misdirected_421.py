"""The connection was not for the name of the request."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.semantics.talks import Talk, found
from tests.diagnose.wire import only


def test_a_421_is_no_failure_once_another_connection_was_taken() -> None:
    other = Talk(2, start=5000).say(200, "/b")
    assert found(Talk().say(421, "/b"), other) == {}


@pytest.mark.parametrize(("name", "fault"), [("storage.example", "both"), (None, "client")])
def test_a_421_is_the_client_s_where_it_asked_for_no_name(name: str | None, fault: str) -> None:
    connection = Talk().say(421, "/b").done()
    assert connection.tls is not None
    connection.tls.server_name = name
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault) == ("misdirected-421", fault)
