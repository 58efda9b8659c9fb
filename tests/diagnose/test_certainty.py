"""How sure a verdict is: from what it rests on, and from what the capture shows of that."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import plainwire.diagnose
from plainwire.arrays import np
from plainwire.diagnose.certainty import of_grounds, settled
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Endpoint, Gap, Segments, Side
from tests.diagnose.wire import CLIENT, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Certainty, Connection, Fault

SEGMENT_COLUMNS = ("number", "time_ns", "side", "seq", "ack", "length", "flags", "window")
LOOPBACK = Endpoint("127.0.0.1", 443)


def connection(*, tls: bool = True, here: bool = False, tunnel: bool = False) -> Connection:
    wire = Wire(tls=tls, server=LOOPBACK if here else Endpoint("203.0.113.7", 443))
    if here:
        wire.client = Endpoint("127.0.0.1", 40000)
    if tunnel:
        wire.ask(0, "api.example:443", method="CONNECT")
        wire.answer(80)
    wire.ask(100)
    wire.ack(SERVER, 200)
    wire.close(SERVER, "fin", 300)
    return wire.done("unanswered")


def verdict(where: Connection, *grounds: Ground, fault: Fault = "server") -> Verdict:
    return Verdict("close-mid-request", where, (1,), fault, grounds, "It closed.", ())


@pytest.mark.parametrize(
    ("ground", "remote", "clear", "here"),
    [
        (Ground.SEALED, "proved", "proved", "proved"),
        (Ground.SAID, "proved", "likely", "proved"),
        (Ground.NUMBERS, "proved", "proved", "proved"),
        (Ground.FLAG, "likely", "likely", "proved"),
        (Ground.SILENCE, "likely", "likely", "likely"),
        (Ground.HABIT, "likely", "likely", "likely"),
        (Ground.ONCE, "possible", "possible", "possible"),
        (Ground.INFERENCE, "likely", "likely", "likely"),
        (Ground.GUESS, "possible", "possible", "possible"),
    ],
)
def test_what_each_class_of_evidence_is_worth(
    ground: Ground, remote: Certainty, clear: Certainty, here: Certainty
) -> None:
    assert of_grounds((ground,), connection(), tunnelled=False) == remote
    assert of_grounds((ground,), connection(tls=False), tunnelled=False) == clear
    assert of_grounds((ground,), connection(tls=False, here=True), tunnelled=False) == here


def test_the_weakest_ground_decides_and_nothing_is_proved_by_nothing() -> None:
    assert of_grounds((Ground.SEALED, Ground.SILENCE), connection(), tunnelled=False) == "likely"
    assert of_grounds((Ground.SEALED, Ground.HABIT, Ground.ONCE), connection(), tunnelled=False) == "possible"
    assert of_grounds((), connection(), tunnelled=False) == "possible"


def test_missing_bytes_cost_one_grade() -> None:
    begun_late = connection()
    begun_late.mid_stream = True
    snapped = connection()
    snapped.snapped = True
    holed = connection()
    holed.gaps.append(Gap(Side.CLIENT, 0, 50, 1))
    one_sided = Wire()
    one_sided.ask(0)
    one_sided.close(CLIENT, "fin", 200)
    for where in (begun_late, snapped, holed, one_sided.done("unanswered")):
        assert settled(verdict(where, Ground.NUMBERS)).certainty == "likely"
        assert settled(verdict(where, Ground.INFERENCE)).certainty == "possible"


def test_through_a_proxy_nobody_behind_it_is_accused_by_its_tcp() -> None:
    told = settled(verdict(connection(tunnel=True), Ground.NUMBERS, Ground.FLAG))
    assert (told.verdict.fault, told.certainty) == ("unknown", "possible")
    assert "the proxy's word" in told.verdict.facts


def test_through_a_proxy_the_server_is_named_where_it_spoke_itself() -> None:
    sealed = settled(verdict(connection(tunnel=True), Ground.SEALED))
    assert (sealed.verdict.fault, sealed.certainty) == ("server", "proved")
    assert "proxy" not in sealed.verdict.facts
    both = settled(verdict(connection(tunnel=True), Ground.SEALED, Ground.NUMBERS))
    assert (both.verdict.fault, both.certainty) == ("server", "likely")


def test_what_the_client_itself_did_no_proxy_weakens() -> None:
    told = settled(verdict(connection(tunnel=True), Ground.NUMBERS, fault="client"))
    assert (told.verdict.fault, told.certainty) == ("client", "proved")


def test_no_rule_says_how_sure_it_is() -> None:
    grade = re.compile(r'"(proved|likely|possible)"|certainty')
    home = Path(plainwire.diagnose.__file__).parent
    places = [p for room in ("causes", "evidence", "traffic", "servers") for p in (home / room).rglob("*.py")]
    assert len(places) > 100
    assert [p.name for p in places if grade.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("ground", [Ground.SEALED, Ground.NUMBERS, Ground.FLAG])
def test_nothing_is_proved_by_a_program_s_own_calls(ground: Ground) -> None:
    """Segments that were made of them have no TTL."""
    captured, told = connection(here=True), connection(here=True)
    segments = told.segments
    assert segments is not None
    columns = [getattr(segments, name) for name in SEGMENT_COLUMNS]
    told.segments = Segments(*[*columns, np.zeros(len(segments), dtype=np.int64), segments.ip_id])
    assert (captured.from_sockets, told.from_sockets) == (False, True)
    assert settled(verdict(captured, ground)).certainty == "proved"
    assert settled(verdict(told, ground)).certainty == "likely"


def test_behind_a_relay_only_what_stands_in_tls_is_proved() -> None:
    for ground, certainty in ((Ground.NUMBERS, "likely"), (Ground.SEALED, "proved")):
        relayed = connection()
        relayed.relayed = True
        told = settled(verdict(relayed, ground))
        assert told.certainty == certainty
        assert ("A relay (slirp, pasta)" in told.verdict.facts) is (certainty == "likely")


def test_on_a_loopback_that_a_relay_leads_out_of_an_end_may_have_been_another() -> None:
    """Met with pasta: it carries loopback from socket to socket, and the server's RST arrives as a FIN."""
    relayed = connection(here=True)
    relayed.relayed = True
    told = settled(verdict(relayed, Ground.FLAG))
    assert told.certainty == "possible"
    assert "also a reset arrives as a FIN" in told.verdict.facts
