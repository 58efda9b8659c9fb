"""Each row of the table is named where its program was recognised, with the value that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from plainwire.diagnose.settings.naming import MOST, name_settings, sentence
from plainwire.diagnose.settings.table import SETTINGS, Setting
from plainwire.diagnose.settings.wanted import Wanted
from plainwire.model import Finding
from tests.diagnose.settings.traffic import MS, limits, report

if TYPE_CHECKING:
    from plainwire.model import Need

Signs = dict[str, Any]

CLIENTS: dict[str, Signs] = {
    "requests": {"agents": ("python-requests/2.32.3",), "runtime": "python"},
    "urllib3": {"agents": ("python-urllib3/2.2.1",)},
    "httpx": {"agents": ("python-httpx/0.28.1",), "runtime": "python"},
    "aiohttp": {"agents": ("Python/3.12 aiohttp/3.9.5",)},
    "botocore": {
        "agents": (
            (
                "Boto3/1.34.0 md/Botocore#1.34.0 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.11.7 "
                "md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.0"
            ),
        )
    },
    "Python": {"asked": False, "runtime": "python", "said_by": "python"},
    "axios": {"agents": ("axios/1.7.2",), "runtime": "node"},
    "undici": {"agents": ("node",), "runtime": "node"},
    "Node.js http": {"runtime": "node"},
    "Node.js": {"agents": ("my-service/1.0",), "runtime": "node"},
    "Go": {"agents": ("Go-http-client/1.1",)},
    "OkHttp": {"agents": ("okhttp/4.12.0",), "runtime": "java"},
    "Apache HttpClient": {},
    "JDK HttpClient": {"agents": ("Java-http-client/17.0.15",), "runtime": "java"},
    "Java": {"agents": ("my-service/1.0",), "runtime": "java"},
    ".NET": {"executable": "/usr/share/dotnet/dotnet"},
    "libcurl": {"agents": ("PycURL/7.45.3 libcurl/8.5.0 OpenSSL/3.0.13 zlib/1.3",)},
    "curl": {"agents": ("curl/8.5.0",), "runtime": "curl"},
    "gRPC core": {"agents": ("grpc-python/1.62.0 grpc-c/39.0.0 (linux; chttp2)",)},
    "grpc-go": {"agents": ("grpc-go/1.64.0",)},
}

SERVERS: dict[str, Signs] = {
    "nginx": {"server": (("Server", "nginx/1.22.1"),)},
    "HAProxy": {
        "server": (("content-length", "107"), ("cache-control", "no-cache"), ("content-type", "text/html")),
        "status": 503,
        "size": 107,
    },
    "Apache httpd": {"server": (("Server", "Apache/2.4.62 (Debian) OpenSSL/3.0.15"),)},
    "gunicorn": {"server": (("Server", "gunicorn"),)},
    "uvicorn": {"server": (("server", "uvicorn"),)},
    "hypercorn": {"server": (("server", "hypercorn-h2"),)},
    "aiohttp": {"server": (("Server", "Python/3.12 aiohttp/3.9.5"),)},
    "Node.js": {"server": (("X-Powered-By", "Express"),)},
    "Go": {
        "server": (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff")),
        "status": 404,
        "size": 19,
    },
    "Envoy": {"server": (("server", "istio-envoy"),)},
    "AWS ALB": {"server": (("Server", "awselb/2.0"),)},
    "AWS NLB": {"name": "net-0123456789abcdef.elb.eu-central-1.amazonaws.com"},
    "Google Cloud load balancer": {"server": (("Via", "1.1 google"), ("Server", "nginx"))},
    "Cloudflare": {"server": (("Server", "cloudflare"), ("CF-RAY", "8a1b2c3d4e5f6789-FRA"))},
    "Kestrel": {"server": (("Server", "Kestrel"),)},
}

VALUES: dict[tuple[str, Need, str], str] = {
    # the server waits 5 s, and a round trip takes 20 ms: below 4.96 s
    ("client", "idle limit", "s"): "4.9",
    ("client", "idle limit", "ms"): "4900",
    ("client", "idle limit", "whole s"): "4",
    # a box on the way forgets after 240 s: below half of that
    ("client", "TCP keepalive", "ms"): "110000",
    ("client", "TCP keepalive", "whole s"): "119",
    # the response took 31.5 s to begin
    ("client", "read timeout", "s"): "32",
    ("client", "read timeout", "ms"): "32000",
    ("server", "upstream read timeout", "whole s"): "32",
    ("server", "upstream read timeout", "ms"): "32000",
    ("server", "request read timeout", "whole s"): "32",
    ("server", "request read timeout", "ms"): "32000",
    ("client", "connect timeout", "s"): "3",
    ("client", "connect timeout", "ms"): "3000",
    ("client", "retries of statuses", "statuses"): "413",
    ("client", "ping interval", "ms"): "300000",
    ("client", "ping interval", "whole s"): "300",
    # the client's pool waits 90 s
    ("server", "idle limit", "whole s"): "91",
    ("server", "idle limit", "s"): "91",
    ("server", "idle limit", "ms"): "91000",
    ("server", "path idle limit", "whole s"): "401",
    ("server", "requests per connection", "number"): "101",
    ("server", "connection age", "whole s"): "61",
    # 7.2 s of silence before the close
    ("server", "stream idle timeout", "whole s"): "8",
    ("server", "stream idle timeout", "ms"): "7300",
    ("server", "worker timeout", "whole s"): "8",
    # 5,000,000 bytes of content, 10,000 of head
    ("server", "body size limit", "MB"): "5",
    ("server", "body size limit", "bytes"): "5000001",
    ("server", "header size limit", "kB"): "10",
    ("server", "header size limit", "bytes"): "10001",
}
"""What the traffic asks for, by side, need and unit: worked out by hand from ``traffic.report``."""


def _signs(row: Setting) -> Signs:
    """What makes the row's program recognised, in a version that the row is about."""
    if row.product == "Apache HttpClient":
        version = "4.5.14" if row.before else "5.3.1"
        return {"agents": (f"Apache-HttpClient/{version} (Java/17.0.9)",)}
    if row.product == "JDK HttpClient":
        return {"agents": (f"Java-http-client/{'17.0.15' if row.before else '21.0.2'}",), "runtime": "java"}
    if row.product == "nginx" and row.before:
        return {"server": (("Server", "nginx/1.18.0 (Ubuntu)"),)}
    return (CLIENTS if row.side == "client" else SERVERS)[row.product]


def _named(signs: Signs, *, silent: bool = False) -> Finding:
    made = report(facts=limits(silent=silent), **signs)
    name_settings(made)
    return made.findings[0]


@pytest.mark.parametrize("row", SETTINGS, ids=[f"{r.product}-{r.need}{r.before}" for r in SETTINGS])
def test_the_setting_is_named_with_the_value_that_the_traffic_asks_for(row: Setting) -> None:
    silent = row.need in ("TCP keepalive", "path idle limit")
    (setting,) = _named({f"{row.side}_needs": (row.need,), **_signs(row)}, silent=silent).settings
    value = VALUES[row.side, row.need, row.unit] if row.unit else ""
    assert setting.says.startswith(f"{row.product}: {row.example.replace('{}', value)} (")
    assert setting.says.endswith(f"default: {row.default}).")
    assert (setting.side, setting.product, setting.source) == (row.side, row.product, row.source)


@pytest.mark.parametrize("needs", ["client_needs", "server_needs"])
def test_nothing_is_named_where_nobody_was_recognised(needs: str) -> None:
    every: Signs = {needs: tuple({row.need for row in SETTINGS})}
    assert _named(every).settings == []
    assert _named({"asked": False, **every}).settings == []
    own: Signs = {"agents": ("my-service/1.0",), "server": (("Server", "my-server"),)}
    assert _named({**own, **every}).settings == []


def test_without_a_limit_the_example_has_a_placeholder() -> None:
    row = next(r for r in SETTINGS if (r.product, r.need) == ("httpx", "idle limit"))
    assert sentence(row, Wanted()).startswith(
        "httpx: httpx.Client(limits=httpx.Limits(keepalive_expiry=SECONDS)) (default"
    )


def test_a_setting_of_whole_seconds_is_not_named_for_less_than_one() -> None:
    row = next(r for r in SETTINGS if r.product == "JDK HttpClient")
    assert sentence(row, Wanted("below", 681 * MS)) == ""
    httpx = next(r for r in SETTINGS if (r.product, r.need) == ("httpx", "idle limit"))
    assert "keepalive_expiry=0.68)" in sentence(httpx, Wanted("below", 681 * MS))


def test_a_side_gets_at_most_two_settings() -> None:
    needs = ("idle limit", "read timeout", "pool size")
    finding = _named({"client_needs": needs, "agents": ("python-httpx/0.28.1",)})
    assert [s.need for s in finding.settings] == ["idle limit", "read timeout"]
    assert len(finding.settings) == MOST


@pytest.mark.parametrize(
    ("need", "change"),
    [
        ("retries", {"retry_safe": False}),
        ("retries", {"retry_safe": None}),
        ("ping interval", {"quotes": []}),
    ],
)
def test_a_setting_that_would_not_help_is_not_named(need: Need, change: Signs) -> None:
    signs = CLIENTS["curl"] if need == "retries" else CLIENTS["gRPC core"]
    made = report((need,), facts=limits(), **signs)
    for name, value in change.items():
        setattr(made.findings[0], name, value)
    name_settings(made)
    assert made.findings[0].settings == []


def test_retries_are_not_named_where_something_retries_by_itself() -> None:
    made = report(("retries",), facts=limits(), **CLIENTS["curl"])
    made.findings.append(Finding("hidden-retry", "", "unknown", "likely", [1], [1], [], ""))
    name_settings(made)
    assert made.findings[0].settings == []


def test_a_body_limit_is_not_named_for_another_status() -> None:
    signs: Signs = {"server_needs": ("body size limit",), "server": (("Server", "nginx"),), "status": 401}
    assert _named(signs).settings == []


def test_the_advice_has_the_settings_behind_the_general_sentence() -> None:
    made = report(("retries",), ("idle limit",), agents=("curl/8.5.0",), server=(("Server", "uvicorn"),))
    finding = made.findings[0]
    finding.advice_client, finding.advice_server = "Retry once.", "Wait longer."
    name_settings(made)
    assert finding.client_advice == "Retry once. curl: curl --retry 3 --retry-all-errors (default: 0)."
    assert finding.server_advice == (
        "Wait longer. uvicorn: uvicorn --timeout-keep-alive 91 (above 90.000 s; default: 5 s)."
    )
