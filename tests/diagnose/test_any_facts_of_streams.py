"""HTTP/2 and HTTP/3: what ended a stream, and that the rules for HTTP/1 keep out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from plainwire.diagnose import CAUSES, diagnose
from plainwire.model import Exchange, Side
from tests.diagnose.causes.http2.multiplexed import Multiplexed

if TYPE_CHECKING:
    from plainwire.model import CloseKind, Outcome


OUTCOMES: tuple[Outcome, ...] = ("complete", "unanswered", "truncated", "refused", "aborted", "unseen")


KINDS: tuple[CloseKind, ...] = ("close_notify", "alert", "fin", "rst", "connection_close", "stateless_reset")


@given(st.data())
def test_whatever_the_facts_are_the_answer_keeps_its_promises(data: st.DataObject) -> None:
    scene = Multiplexed(data.draw(st.sampled_from(["h2", "h3", "websocket"])))
    if data.draw(st.booleans()):
        code = data.draw(st.sampled_from(["", "NO_ERROR", "REFUSED_STREAM", "CANCEL", "0xdead"]))
        scene.reset(data.draw(st.sampled_from(list(Side))), code, "aborted", data.draw(st.floats(0, 5000)))
    for _ in range(data.draw(st.integers(0, 2))):
        scene.goaway(data.draw(st.integers(0, 9)), at=data.draw(st.floats(0, 5000)))
    for _ in range(data.draw(st.integers(0, 2))):
        scene.close(
            data.draw(st.sampled_from(list(Side))),
            data.draw(st.sampled_from(KINDS)),
            data.draw(st.floats(0, 5000)),
        )
    if data.draw(st.booleans()):
        scene.failed.stream = None
    if data.draw(st.booleans()):
        scene.failed.request = None
    scene.failed.outcome = data.draw(st.sampled_from(OUTCOMES))
    for finding in diagnose([scene.connection()]):
        assert finding.code in CAUSES
        assert finding.evidence
        assert all(_exists(scene, number) for number in finding.exchanges)


def _exists(scene: Multiplexed, number: int) -> bool:
    known: list[Exchange] = scene.wire.exchanges
    return any(exchange.id == number for exchange in known)
