"""The rows of the table: whole, each once, and each with a source."""

from __future__ import annotations

import json
import subprocess
from collections import Counter

import aiohttp
import botocore.config
import httpx
import pytest
import requests.adapters
import urllib3

from plainwire.diagnose.causes.catalogue import CAUSES
from plainwire.diagnose.settings.table import SETTINGS, Setting
from tests.needs import tool

_IDS = [f"{row.product}-{row.need}" for row in SETTINGS]


@pytest.mark.parametrize("row", SETTINGS, ids=_IDS)
def test_a_row_has_a_setting_a_default_an_example_and_a_source(row: Setting) -> None:
    assert row.setting
    assert row.default
    assert row.example
    assert row.source.startswith(("https://", "curl(1), ", "HAProxy Configuration Manual"))
    assert ("{}" in row.example) is bool(row.unit)


def _default(product: str, need: str) -> str:
    (row,) = (r for r in SETTINGS if (r.product, r.need) == (product, need))
    return row.default


def _seconds(value: float) -> str:
    return f"{value:g} s"


def test_defaults_of_requests_and_urllib3_are_those_of_the_libraries() -> None:
    assert _default("requests", "retries") == str(requests.adapters.DEFAULT_RETRIES)
    assert _default("requests", "pool size") == str(requests.adapters.DEFAULT_POOLSIZE)
    assert _default("urllib3", "retries") == str(urllib3.Retry.DEFAULT.total)
    pool = urllib3.HTTPSConnectionPool("a").pool
    assert pool is not None
    assert _default("urllib3", "pool size") == f"{pool.maxsize} for each host"


def test_defaults_of_httpx_and_aiohttp_are_those_of_the_libraries() -> None:
    limits, timeout = httpx.Limits(), httpx.Client().timeout
    expiry = limits.keepalive_expiry
    assert _default("httpx", "idle limit") == _seconds(expiry or 0)
    assert (limits.max_connections, timeout.read, timeout.connect) == (None, 5, 5)
    assert _default("httpx", "read timeout") == _default("httpx", "connect timeout") == _seconds(5)
    total = aiohttp.client.DEFAULT_TIMEOUT.total
    assert _default("aiohttp", "read timeout") == f"total of {_seconds(total or 0)}"


def test_defaults_of_botocore_are_those_of_the_library() -> None:
    config = botocore.config.Config()
    assert _default("botocore", "read timeout") == _seconds(config.read_timeout)
    assert _default("botocore", "connect timeout") == _seconds(config.connect_timeout)
    assert _default("botocore", "pool size") == str(config.max_pool_connections)
    assert _default("botocore", "TCP keepalive") == str(bool(config.tcp_keepalive))


def test_defaults_of_node_are_those_of_the_program() -> None:
    script = """
        const http = require('http'), server = http.createServer(), agent = new http.Agent();
        console.log(JSON.stringify([server.keepAliveTimeout, server.requestTimeout,
            server.maxRequestsPerSocket, http.maxHeaderSize, agent.maxFreeSockets,
            http.globalAgent.options.timeout]));
    """
    words = [tool("node"), "-e", script]
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=True, timeout=60)
    idle, request, requests_, head, free, agent = json.loads(done.stdout)
    assert _default("Node.js", "idle limit") == _seconds(idle / 1000)
    assert _default("Node.js", "request read timeout") == _seconds(request / 1000)
    assert _default("Node.js", "requests per connection") == f"{requests_}, no limit"
    assert _default("Node.js", "header size limit") == f"{head} bytes"
    assert _default("Node.js http", "pool size") == str(free)
    assert _default("Node.js http", "idle limit") == f"{_seconds(agent / 1000)} in the global agent"


def test_a_need_of_a_product_has_one_row_for_each_version() -> None:
    rows = Counter((r.side, r.product, r.need, r.since, r.before) for r in SETTINGS)
    assert [row for row, times in rows.items() if times > 1] == []


def test_a_cause_asks_for_what_some_product_has() -> None:
    had = {(row.side, row.need) for row in SETTINGS}
    for cause in CAUSES.values():
        for said in (cause, cause.by_server, cause.by_client):
            if said is not None:
                assert {("client", need) for need in said.client_needs} <= had, cause.code
                assert {("server", need) for need in said.server_needs} <= had, cause.code


def test_each_row_is_asked_for_by_a_cause() -> None:
    asked = set()
    for cause in CAUSES.values():
        for said in (cause, cause.by_server, cause.by_client):
            if said is not None:
                asked |= {("client", need) for need in said.client_needs}
                asked |= {("server", need) for need in said.server_needs}
    assert [(row.product, row.need) for row in SETTINGS if (row.side, row.need) not in asked] == []
