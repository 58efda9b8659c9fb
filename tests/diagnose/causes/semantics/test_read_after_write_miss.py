"""Written, then missing, then there again."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import Talk, found


def test_what_was_written_and_missing_and_there_again() -> None:
    talk = Talk().say(201, "/k", method="PUT").say(404, "/k").say(200, "/k")
    assert set(found(talk)) == {"read-after-write-miss"}


def test_what_was_deleted_or_never_there_is_not_missing() -> None:
    assert found(Talk().say(201, "/k", method="PUT").say(204, "/k", method="DELETE").say(404, "/k")) == {}
    assert found(Talk().say(404, "/k").say(200, "/k")) == {}
    written = Talk().say(201, "/k", method="PUT").say(404, "/k").say(201, "/k", method="PUT").say(200, "/k")
    assert found(written) == {}
