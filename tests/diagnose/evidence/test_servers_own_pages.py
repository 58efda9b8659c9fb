"""What haproxy, gunicorn and uvicorn answer by themselves is known by its fields and its length."""

from __future__ import annotations

import pytest

from tests.diagnose.causes.semantics.talks import Talk, found

HAPROXY = {"Cache-Control": "no-cache", "Content-Type": "text/html"}
UVICORN = {"Server": "uvicorn", "Content-Type": "text/plain; charset=utf-8", "Connection": "close"}
GUNICORN = {"Connection": "close", "Content-Type": "text/html"}


def _answered(
    status: int, fields: dict[str, str], size: int, *, wait: int = 80, target: str = "/a", more: int = 0
) -> str:
    """The code and the claim where one request was answered so; "" where there is no finding."""
    talk = Talk()
    request, response = talk.messages("GET", target, status, wait)
    request.headers += [(f"X-{number}", "1") for number in range(more)]
    response.headers += fields.items()
    response.body_size = size
    return " ".join(f"{code}: {finding.claim}" for code, finding in found(talk).items())


@pytest.mark.parametrize(
    ("status", "wait", "size", "says"),
    [
        (500, 2000, 97, "http-request tarpit"),
        (503, 1002, 107, "waited in the queue"),
        (503, 85, 107, "no server to give it to"),
        (503, 1002, 108, "it says itself that the fault is on its side"),
        (500, 85, 97, "it says itself that the fault is on its side"),
    ],
)
def test_haproxy_s_page_and_how_long_it_took_tell_why(status: int, wait: int, size: int, says: str) -> None:
    assert says in _answered(status, HAPROXY, size, wait=wait)


def test_a_page_with_fields_more_is_not_haproxy_s_own() -> None:
    assert "haproxy" not in _answered(503, HAPROXY | {"X-Request-Id": "1"}, 107)


def test_uvicorn_says_503_where_its_limit_is_reached() -> None:
    assert "--limit-concurrency" in _answered(503, UVICORN, 19)
    assert "--limit-concurrency" not in _answered(503, UVICORN | {"X-Made-By": "app"}, 19)


@pytest.mark.parametrize(
    ("size", "target", "more", "says"),
    [
        (163, "/" + "a" * 5000, 0, "limit_request_line"),
        (184, "/a", 110, "limit_request_fields"),
        (163, "/a", 0, ""),
        (164, "/" + "a" * 5000, 0, ""),
    ],
)
def test_gunicorn_s_page_of_400_names_its_limit(size: int, target: str, more: int, says: str) -> None:
    said = _answered(400, GUNICORN, size, target=target, more=more)
    assert says in said
    assert bool(said) == bool(says)


def test_more_fields_than_servers_take_explain_a_400() -> None:
    assert "113 fields" not in _answered(400, {}, 50, more=20)
    assert "many servers take no more than 100 fields" in _answered(400, {}, 50, more=110)
