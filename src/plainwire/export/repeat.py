"""Something that repeats the request of an exchange: a curl command, a Python script.

Secrets are hidden unless asked for: then the request is as it was. Fields that a client generates itself
(``Host``, ``Content-Length``, pseudo-header fields of HTTP/2) are left out.
"""

from __future__ import annotations

import base64
import shlex
from typing import TYPE_CHECKING

from plainwire.export import told
from plainwire.report import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Exchange, Request

_MADE_BY_CLIENTS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer"}
)
_VERSIONS = {"h2": "--http2", "h3": "--http3"}


def curl(exchange: Exchange, connection: Connection, *, secrets: bool = False) -> str:
    """A shell command, with the server's address as ``--connect-to``; ends in a newline.

    Raises:
        ValueError: there is no request to repeat.

    """
    request = _request(exchange)
    words = ["curl", "--include", _VERSIONS.get(exchange.protocol, "--http1.1")]
    words += ["--request", request.method] if request.method != "GET" else []
    words += ["--path-as-is", "--globoff"]
    words += ["--connect-to", f"::{_host(connection)}:{connection.server.port}"]
    for name, value in _headers(request, secrets=secrets):
        words += ["--header", f"{name}: {value}" if value else f"{name};"]
    body, prefix = _body(request, secrets=secrets), ""
    if body is not None and _is_text(body):
        words += ["--data-raw", body.decode()]
    elif body is not None:
        prefix = f"printf %s {shlex.quote(base64.b64encode(body).decode())} | base64 -d | "
        words += ["--data-binary", "@-"]
    words.append(told.raw_url(exchange, connection) if secrets else told.url(exchange, connection))
    return prefix + " ".join(map(shlex.quote, words)) + "\n"


def python(exchange: Exchange, connection: Connection, *, secrets: bool = False) -> str:
    """A script for Python's standard library that sends the same request to the same server in HTTP/1.1.

    Raises:
        ValueError: there is no request to repeat.

    """
    request = _request(exchange)
    return "\n".join(_script(exchange, request, connection, secrets=secrets)) + "\n"


def _script(exchange: Exchange, request: Request, connection: Connection, *, secrets: bool) -> Iterator[str]:
    encrypted = told.scheme(exchange, connection) == "https"
    host = request.authority or str(connection.server)
    target = request.target if secrets else redact.target(request.target)
    name = redact.authority(host).rpartition(":")[0] or redact.authority(host)
    yield "import http.client"
    yield "import socket" + ("\nimport ssl" if encrypted else "")
    yield ""
    address = connection.server.address, connection.server.port
    yield f"sock = socket.create_connection({address!r}, timeout=60)"
    if encrypted:
        asked = (connection.tls.server_name if connection.tls is not None else None) or name
        yield f"sock = ssl.create_default_context().wrap_socket(sock, server_hostname={asked!r})"
    yield f"connection = http.client.HTTPConnection({name!r})"
    yield "connection.sock = sock"
    yield f"connection.putrequest({request.method!r}, {target!r}, skip_host=True, skip_accept_encoding=True)"
    yield f'connection.putheader("Host", {(host if secrets else redact.authority(host))!r})'
    for field, value in _headers(request, secrets=secrets):
        yield f"connection.putheader({field!r}, {value!r})"
    body = _body(request, secrets=secrets)
    if body is not None:
        yield f'connection.putheader("Content-Length", "{len(body)}")'
    yield f"connection.endheaders({'' if body is None else repr(body)})"
    yield "response = connection.getresponse()"
    yield "print(response.status, response.reason)"
    yield "print(response.headers)"
    yield "print(response.read())"


def _request(exchange: Exchange) -> Request:
    if exchange.request is None:
        message = f"exchange {exchange.id} has no request"
        raise ValueError(message)
    return exchange.request


def _headers(request: Request, *, secrets: bool) -> list[tuple[str, str]]:
    fields = [
        (name, value)
        for name, value in request.headers
        if not name.startswith(":") and name.lower() not in _MADE_BY_CLIENTS
    ]
    return fields if secrets else redact.headers(fields)


def _body(request: Request, *, secrets: bool) -> bytes | None:
    """None if there is none, or if it was not kept."""
    if not request.body:
        return None
    if secrets:
        return request.body
    return redact.body(request.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _is_text(body: bytes) -> bool:
    try:
        return "\0" not in body.decode()
    except UnicodeDecodeError:
        return False


def _host(connection: Connection) -> str:
    return str(connection.server).rpartition(":")[0]
