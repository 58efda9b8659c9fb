"""What is not safe to repeat was repeated although the server had it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.client.twins import again, failing, hidden, twice
from tests.diagnose.causes.http2.multiplexed import Multiplexed
from tests.diagnose.wire import SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection, Outcome


def test_what_the_server_never_had_what_is_idempotent_and_what_bears_a_key_is_no_double() -> None:
    assert twice(failing("POST", raced=True), again(1300, "POST")) is None
    assert twice(failing("PUT"), again(1300, "PUT")) is None
    first, second = failing("POST"), again(1300, "POST")
    for exchange in (first.exchanges[1], second.exchanges[0]):
        assert exchange.request is not None
        exchange.request.headers = [*exchange.request.headers, ("Idempotency-Key", "a")]
    assert twice(first, second) is None
    assert hidden(first, second) is not None


def multiplexed(code: str, outcome: Outcome, *, method: str = "POST", same: bool = False) -> list[Connection]:
    """A stream that the server reset, and the same request again: on this connection, or on another."""
    scene = Multiplexed().reset(SERVER, code, outcome, at=300)
    assert scene.failed.request
    scene.failed.request.method, scene.failed.request.body_digest = method, 7
    twin = scene.wire if same else Wire(id=2, first_exchange=20, first_packet=200)
    if same:
        twin.ack(SERVER, 310)  # of the request
    exchange = twin.ask(400, "/failed", method=method, digest=7)
    exchange.protocol, exchange.stream = "h2", 5
    twin.answer(500)
    first = scene.connection()
    return [first] if same else [first, twin.done()]


@pytest.mark.parametrize("same", [True, False])
def test_a_refused_stream_that_was_asked_for_again_did_no_harm(*, same: bool) -> None:
    finding = hidden(*multiplexed("REFUSED_STREAM", "refused", same=same))
    assert finding is not None
    assert finding.retry_safe is True
    assert "did not work on the first copy" in finding.claim


def test_a_stream_of_a_post_that_the_server_gave_up_may_have_run_twice() -> None:
    codes = {f.code: f for f in diagnose(multiplexed("INTERNAL_ERROR", "unanswered", same=True))}
    assert codes.keys() == {"h2-stream-reset-internal-error", "hidden-retry", "unsafe-retry-duplicate"}
    assert codes["hidden-retry"].retry_safe is False
