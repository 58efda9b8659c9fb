"""A request that fails each time, while others never do."""

from __future__ import annotations

from tests.diagnose.causes.semantics.talks import found, good


def test_a_request_that_fails_each_time_and_alone_is_no_matter_of_the_moment() -> None:
    talk = good(6)
    for _ in range(4):
        talk.say(500, "/broken", wait=900)
    assert set(found(talk)) == {"method-or-path-specific-crash"}


def test_one_success_of_it_refutes_that() -> None:
    talk = good(6).say(200, "/broken")
    for _ in range(4):
        talk.say(500, "/broken", wait=900)
    assert set(found(talk)) == {"overload-5xx"}
