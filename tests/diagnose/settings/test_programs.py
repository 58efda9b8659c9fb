"""Who client and server are: by their own signs, and nobody where these are weak or contradict each other."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import requests
from urllib3.connection import _get_default_user_agent

from plainwire.diagnose.settings import programs
from tests.diagnose.settings.traffic import limits, report
from tests.needs import tool

if TYPE_CHECKING:
    from plainwire.model import ServerFacts

NGINX = (("Server", "nginx/1.22.1"),)


Signs = dict[str, Any]


def _client(signs: Signs) -> tuple[str, str] | None:
    made = report(**signs)
    found = programs.client(made.findings[0], made.connections, made.testimony)
    return None if found is None else (found.name, found.version)


def _server(*answers: tuple[tuple[str, str], ...], facts: ServerFacts | None = None) -> str | None:
    made = report(server=answers[0], more=answers[1:])
    found = programs.server(made.exchanges, facts)
    return None if found is None else found.name


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (requests.utils.default_user_agent(), "requests"),
        (_get_default_user_agent(), "urllib3"),
        (httpx.Client().headers["user-agent"], "httpx"),
        (aiohttp.http.SERVER_SOFTWARE, "aiohttp"),
    ],
)
def test_libraries_are_known_by_what_they_send_by_default(agent: str, name: str) -> None:
    assert (_client({"agents": (agent,), "runtime": "python"}) or ("",))[0] == name


def test_curl_is_known_by_what_it_sends_by_default() -> None:
    said = subprocess.run([tool("curl"), "--version"], capture_output=True, text=True, check=True).stdout
    version = said.split()[1]
    assert _client({"agents": (f"curl/{version}",), "runtime": "curl"}) == ("curl", version)


@pytest.mark.parametrize(
    "agent",
    [
        "my-service/1.0 python-requests/2.32.3",
        "python-requests",
        "curl/8.5.0 (my script)",
        "Mozilla/5.0 (X11; Linux x86_64) okhttp/4.12.0",
        "OpenAI/Python 1.40.0",
        "nodejs",
    ],
)
def test_a_user_agent_of_the_program_s_own_names_nobody(agent: str) -> None:
    assert _client({"agents": (agent,)}) is None


@pytest.mark.parametrize(
    ("agent", "runtime"),
    [
        ("curl/8.5.0", "python"),
        ("python-requests/2.32.3", "node"),
        ("Go-http-client/1.1", "python"),
        ("node", "java"),
    ],
)
def test_a_user_agent_that_the_runtime_contradicts_names_nobody(agent: str, runtime: str) -> None:
    assert _client({"agents": (agent,), "runtime": runtime}) is None


def test_two_libraries_name_nobody() -> None:
    assert _client({"agents": ("python-requests/2.32.3", "python-httpx/0.28.1")}) is None
    assert _client({"agents": ("python-requests/2.32.3", "my-service/1.0")}) is None


def test_two_versions_of_one_library_are_that_library() -> None:
    assert _client({"agents": ("okhttp/4.12.0", "okhttp/5.0.0")}) == ("OkHttp", "")


def test_words_name_a_library_where_no_request_was_sent() -> None:
    assert _client({"asked": False, "runtime": "python", "said_by": "requests"}) == ("requests", "")
    assert _client({"asked": False, "runtime": "node", "said_by": "requests"}) == ("Node.js", "")
    assert _client({"asked": False, "said_by": "requests"}) is None


def test_python_alone_is_no_library() -> None:
    assert _client({"asked": False, "runtime": "python"}) is None
    assert _client({"agents": ("my-service/1.0",), "runtime": "python"}) is None


@pytest.mark.parametrize(
    "answer",
    [
        (*NGINX, ("Via", "1.1 varnish")),
        (*NGINX, ("X-Cache", "HIT")),
        (("Server", "cloudflare"),),
        (*NGINX, ("cf-ray", "8a1b2c3d4e5f6789-FRA")),
        (("Server", "my-nginx"),),
        (("Content-Type", "text/plain; charset=utf-8"),),
        (("Keep-Alive", "timeout=5"),),
    ],
)
def test_weak_signs_of_a_server_name_nobody(answer: tuple[tuple[str, str], ...]) -> None:
    assert _server(answer) is None


def test_two_servers_behind_one_address_name_nobody() -> None:
    assert _server(NGINX, (("Server", "gunicorn"),)) is None
    assert _server(NGINX, (("Server", "my-server"),)) is None


def test_a_load_balancer_goes_before_what_stands_behind_it() -> None:
    assert _server(NGINX, (("Server", "awselb/2.0"),)) == "AWS ALB"
    assert _server((*NGINX, ("Set-Cookie", "AWSALB=abc; Path=/"))) == "AWS ALB"
    assert _server(NGINX, (*NGINX, ("Via", "1.1 varnish"))) is None


def test_a_node_server_is_known_by_its_hint_and_its_close() -> None:
    hint = (("Connection", "keep-alive"), ("Keep-Alive", "timeout=5"))
    assert _server(hint, facts=limits(fingerprint=("Node.js",))) == "Node.js"
    assert _server(hint, facts=limits(fingerprint=("Node.js", "uvicorn"))) is None


def test_an_idle_timeout_that_is_another_s_default_names_nobody() -> None:
    assert _server(NGINX, facts=limits(fingerprint=("nginx",))) == "nginx"
    assert _server(NGINX, facts=limits(fingerprint=("AWS ALB",))) is None


def test_the_names_of_load_balancers() -> None:
    assert programs.balancer("web-1234567890.us-east-2.elb.amazonaws.com") == programs.Recognised(
        ("AWS ALB",)
    )
    assert programs.balancer("net-0123456789abcdef.elb.us-east-2.amazonaws.com") == programs.Recognised(
        ("AWS NLB",)
    )
    for name in (None, "elb.amazonaws.com", "api.example.com", "x.s3.us-east-2.amazonaws.com"):
        assert programs.balancer(name) is None
