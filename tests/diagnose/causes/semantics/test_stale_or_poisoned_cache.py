"""Copies from caches: an older one after a newer one."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import EPOCH_NS, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection

NOON = EPOCH_NS // 1_000_000_000


def answered(
    *copies: tuple[int, str, int | None], cookies: tuple[str, ...] = (), status: int = 200
) -> Connection:
    """Answers to one request, a second apart: when the origin made each (s), its ETag, its Age."""
    wire = Wire()
    for number, (made, tag, age) in enumerate(copies):
        exchange = wire.ok(1000 * number)
        response, request = exchange.response, exchange.request
        assert response is not None
        assert request is not None
        response.status = status
        response.headers += [("Date", formatdate(NOON + made, usegmt=True)), ("ETag", tag)]
        if age is not None:
            response.headers.append(("Age", str(age)))
        if cookies:
            request.headers.append(("Cookie", cookies[number]))
    return wire.done()


def test_older_copy_after_a_newer_one() -> None:
    finding = only(diagnose([answered((-300, '"old"', 300), (0, '"new"', 0), (-300, '"old"', 302))]))
    assert (finding.code, finding.fault, finding.failure) == ("stale-or-poisoned-cache", "server", False)
    assert finding.exchanges == [3]
    assert "(Age 302)" in finding.claim
    assert "5 minutes before the one to exchange 2" in finding.claim
    assert "old" not in finding.claim.replace("older", "")  # the tag is text from the wire


@pytest.mark.parametrize(
    "connection",
    [
        answered((-300, '"old"', 300), (0, '"new"', 0)),  # the newer one came later
        answered((-300, '"same"', 300), (0, '"same"', 0), (-300, '"same"', 302)),
        answered((0, '"new"', 0), (-300, '"old"', None)),  # not from a cache: a clock that is wrong
        answered((0, '"new"', 0), (1, '"old"', 5)),  # made later: the origin went back
        answered((0, '"new"', 0), (-300, '"old"', 300), cookies=("a", "b")),
        answered((0, '"new"', 0), (-300, '"old"', 300), status=206),
    ],
)
def test_others_are_left_alone(connection: Connection) -> None:
    assert diagnose([connection]) == []
