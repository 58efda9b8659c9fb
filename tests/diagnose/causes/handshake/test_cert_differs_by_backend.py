"""Another certificate than the one accepted for the same name."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.handshake.greetings import accepting, refusing
from tests.diagnose.wire import only


def test_a_certificate_that_one_backend_has_and_no_other() -> None:
    finding = only(diagnose([accepting(2, b"new"), accepting(3, b"new"), refusing("certificate_expired")]))
    assert (finding.code, finding.fault) == ("cert-differs-by-backend", "server")


def test_the_same_certificate_accepted_elsewhere_refutes_it() -> None:
    finding = only(diagnose([accepting(2, b"old"), accepting(3, b"new"), refusing("unknown_ca")]))
    assert finding.code == "tls-alert-unknown-ca"
