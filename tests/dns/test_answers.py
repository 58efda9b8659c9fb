"""A connection's wait for a name server is shown as its own, once."""

from __future__ import annotations

from plainwire.dns.answers import assign
from plainwire.model import Connection, Endpoint, Lookup

MS = 1_000_000
CLIENT, SERVER = "192.0.2.1", "192.0.2.9"


def asked(at: int, answered: int | None, address: str = SERVER, client: str = CLIENT) -> Lookup:
    done = None if answered is None else answered * MS
    return Lookup("example.org", "A", client, "192.0.2.53", [(1, at * MS)], 2, done, "NOERROR", (address,))


def opened(number: int, at: int, server: str = SERVER) -> Connection:
    return Connection(number, Endpoint(CLIENT, 5000 + number), Endpoint(server, 443), number, at * MS)


def test_the_first_connection_after_the_answer_waited_for_it_and_later_ones_did_not() -> None:
    question = asked(0, 20)
    first, second = opened(1, 21), opened(2, 30)
    assign([question], [second, first])
    assert first.lookup is question
    assert second.lookup is None


def test_an_answer_that_is_late_old_or_for_others_is_not_what_it_waited_for() -> None:
    for question, at in (
        (asked(0, 20), 10),
        (asked(0, 20), 2_000),
        (asked(0, None), 30),
        (asked(0, 20, address="192.0.2.8"), 30),
        (asked(0, 20, client="192.0.2.2"), 30),
    ):
        connection = opened(1, at)
        assign([question], [connection])
        assert connection.lookup is None
