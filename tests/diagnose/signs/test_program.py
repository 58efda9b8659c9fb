"""Signs of the program: how it ended, what it said, which of its calls failed."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from plainwire import model
from plainwire.diagnose.signs import program
from plainwire.model import Finding, ProgramEvents, Saying, SocketError
from tests.diagnose.wire import CLIENT_END, EPOCH_NS, MS, SERVER, SERVER_END, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection, Sign


def _healthy(status: int = 200) -> Connection:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, status=status)
    return wire.done()


def _cut() -> Connection:
    wire = Wire()
    wire.ask(0)
    wire.close(SERVER, "rst", 80)
    return wire.done("unanswered")


def _failure() -> Finding:
    return Finding("reset-mid-request", "", "server", "likely", [1], [1], [], "")


def _said(code: str | None = None, exchange: int | None = None, *, own: bool = False) -> Saying:
    return Saying(EPOCH_NS, 7, "", "RemoteDisconnected", "http.client", code, exchange, own=own)


def _signs(
    connection: Connection,
    *,
    status: int = 0,
    sayings: tuple[Saying, ...] = (),
    errors: tuple[SocketError, ...] = (),
    findings: tuple[Finding, ...] = (),
    stopped: str = "",
) -> list[Sign]:
    events = ProgramEvents(command=["client"], exit_status=status, errors=list(errors))
    testimony = model.Testimony(["client"], status, [], sayings=list(sayings))
    return program.signs([connection], findings, events, testimony, stopped=stopped)


def test_a_program_that_ends_well_and_says_nothing_has_no_sign() -> None:
    assert _signs(_healthy()) == []


@pytest.mark.parametrize(
    ("signs", "claimed"),
    [
        (_signs(_healthy(), status=1), None),
        (_signs(_cut(), status=1, findings=(_failure(),)), "reset-mid-request"),
        (
            _signs(_healthy(), status=130, stopped="SIGINT"),
            "harmless: the program, or what it had started, was stopped by SIGINT",
        ),
        (
            _signs(_healthy(404), status=22),
            "harmless: an error status was its answer, for which a program may end so",
        ),
    ],
)
def test_an_exit_status_is_accounted_for_or_stays_open(signs: list[Sign], claimed: str | None) -> None:
    assert [(sign.kind, sign.claimed_by) for sign in signs] == [("exit-status", claimed)]


def test_what_the_program_said_belongs_to_its_finding_or_stays_open() -> None:
    told = _signs(_cut(), sayings=(_said("reset-mid-request", 1), _said(None, 1), _said()))
    assert [sign.claimed_by for sign in told] == [
        "reset-mid-request",
        "harmless: it is about a response that the program got",
        None,
    ]
    assert told[2].says == "the program said RemoteDisconnected"


def test_an_error_of_the_program_s_own_explains_its_end() -> None:
    told = _signs(_healthy(), status=1, sayings=(_said(own=True),))
    assert [sign.claimed_by for sign in told] == [
        "harmless: the program told of an error of its own",
        "harmless: an error of the program's own: it names nothing of the network",
    ]


def _error(number: int, local: str = str(CLIENT_END), call: str = "read") -> SocketError:
    return SocketError(EPOCH_NS + 100 * MS, 7, local, str(SERVER_END), call, number)


def test_a_failed_call_belongs_to_the_finding_about_its_connection() -> None:
    (told,) = _signs(_cut(), errors=(_error(errno.ECONNRESET),) * 3, findings=(_failure(),))
    assert (told.kind, told.connection, told.claimed_by) == ("socket-error", 1, "reset-mid-request")
    (left,) = _signs(_cut(), errors=(_error(errno.ECONNRESET),))
    assert (left.says, left.claimed_by) == ("read() failed with ECONNRESET", None)


def test_a_failed_call_behind_whole_responses_is_harmless() -> None:
    (told,) = _signs(_healthy(), errors=(_error(errno.EPIPE, call="send"),))
    assert told.claimed_by == "harmless: all that was asked on the connection was answered completely"


def test_a_second_address_that_was_reached_makes_the_first_harmless() -> None:
    refused = _error(errno.ECONNREFUSED, "0.0.0.0:39999", "connect")
    (told,) = _signs(_healthy(), errors=(refused,))
    assert told.claimed_by is not None
    assert told.claimed_by.startswith("harmless: the program reached the same port")


def test_errors_that_are_about_the_call_are_none() -> None:
    assert _signs(_healthy(), errors=(_error(errno.ENOTCONN), _error(errno.EBADF))) == []


def test_a_refused_address_whose_peer_the_kernel_no_longer_tells_is_known_by_its_connection() -> None:
    """GRPC asks getsockopt() of a socket that is not connected: ::1 first, then 127.0.0.1."""
    refused = Wire(id=2)
    refused.close(SERVER, "rst", 0.1)
    connection = refused.done()
    connection.established = False
    error = SocketError(EPOCH_NS, 7, str(CLIENT_END), None, "getsockopt", errno.ECONNREFUSED)
    events = ProgramEvents(command=["client"], exit_status=0, errors=[error])
    testimony = model.Testimony(["client"], 0, [], sayings=[])
    (told,) = program.signs([_healthy(), connection], [], events, testimony, stopped="")
    assert (
        told.claimed_by == "harmless: the program reached the same port at another address, or at once again"
    )
