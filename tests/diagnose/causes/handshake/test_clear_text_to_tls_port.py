"""Clear HTTP to a port of TLS, and clear HTTP that a server ends for another reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose import diagnose
from tests.diagnose.opening import healthy
from tests.diagnose.wire import SERVER, SERVER_END, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding


def _asked(port: int, *, target: str = "/object", closed: float | None = 81, status: int = 0) -> Connection:
    wire = Wire(server=replace(SERVER_END, port=port))
    wire.ask(0, target)
    if status:
        response = wire.answer(80, status=status).response
        assert response is not None
        response.close_announced = True
    if closed is not None:
        wire.close(SERVER, "fin", closed)
    connection = wire.done("complete" if status else "unanswered")
    connection.tls = None
    return connection


def _codes(*connections: Connection) -> set[str]:
    return {finding.code for finding in diagnose(connections)}


def _found(*connections: Connection) -> Finding:
    return only([f for f in diagnose(connections) if f.code == "clear-text-to-tls-port"])


def test_a_close_at_once_on_the_port_of_https_is_not_the_server_s_failure() -> None:
    """By haproxy and Node.js, without a word: curl says empty reply, Go EOF (nodejs/node#23331)."""
    finding = _found(_asked(443))
    assert (finding.fault, finding.certainty) == ("client", "likely")


def test_the_400_of_nginx_and_go_is_told() -> None:
    """The kind of TophantTechnology/ARL#307 (nginx) and vxcontrol/pentagi#212 (Go)."""
    finding = _found(_asked(8443, status=400))
    assert (finding.fault, finding.certainty) == ("client", "possible")
    assert "answered 400" in finding.claim


def test_another_port_counts_where_it_speaks_tls_elsewhere() -> None:
    server = replace(SERVER_END, port=7001)
    assert _codes(_asked(7001)) == {"close-mid-request"}
    other = healthy(2, server=server)
    assert "connection 2 the same port speaks TLS" in _found(_asked(7001), other).claim


def test_a_server_that_worked_first_fails_by_itself() -> None:
    assert _codes(_asked(443, closed=3000)) == {"close-mid-request"}


def test_a_request_to_a_proxy_is_in_clear_text_by_right() -> None:
    assert "clear-text-to-tls-port" not in _codes(_asked(443, target="http://a.example/object"))


def test_a_500_in_clear_text_is_no_refusal_of_clear_text() -> None:
    assert "clear-text-to-tls-port" not in _codes(_asked(443, status=500))
