"""The same certificate was accepted with a longer chain."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.handshake.greetings import accepting, refusing
from tests.diagnose.wire import only


def test_the_same_certificate_with_a_longer_chain_elsewhere_is_a_missing_intermediate() -> None:
    finding = only(diagnose([accepting(2, b"old", chain=2), refusing("unknown_ca")]))
    assert (finding.code, finding.fault) == ("chain-incomplete", "server")
