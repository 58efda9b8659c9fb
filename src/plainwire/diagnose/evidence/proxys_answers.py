"""Answers of forward proxies by themselves, told from those of servers that they pass on.

A request that names a whole URL goes to a proxy (RFC 9112 section 3.2.2): what comes back is either the
proxy's word or the server's, and TCP's word is always the proxy's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Connection, Request, Response

_PROXIES = ("squid", "tinyproxy", "privoxy", "mitmproxy", "mcafee", "bluecoat", "zscaler")
"""How forward proxies call themselves in Server."""

_PRIVOXY_EXPIRES = "Sat, 17 Jun 2000 12:00:00 GMT"
"""Privoxy's own pages bear no name in a field, but always this Expires beside ``no-cache``."""

_OF_THE_SERVER = ("server", "via", "x-powered-by", "set-cookie", "etag")
"""Fields that a proxy's own answer does not have, but for a Server of its own."""

_SQUID = (
    ("ERR_ACCESS_DENIED", "its own rules forbid it (http_access)"),
    ("ERR_CACHE_ACCESS_DENIED", "it wants credentials"),
    ("ERR_DNS_FAIL", "it could not resolve the name"),
    ("ERR_CONNECT_FAIL", "it could not connect to the server"),
    ("ERR_SECURE_CONNECT_FAIL", "its TLS handshake with the server failed"),
    ("ERR_CANNOT_FORWARD", "it had nowhere to send it"),
    ("ERR_READ_TIMEOUT", "its own time limit ran out (read_timeout)"),
    ("ERR_LIFETIME_EXP", "its own time limit ran out (client_lifetime, request_timeout)"),
    ("ERR_ZERO_SIZE_OBJECT", "the server closed without a response"),
    ("ERR_READ_ERROR", "its connection to the server broke"),
    ("ERR_TOO_BIG", "it is larger than the proxy lets pass"),
)
"""What Squid's names of errors (X-Squid-Error) stand for."""


def names_whole_url(request: Request) -> bool:
    """Whether the request is in absolute form, as only proxies get it."""
    return "://" in request.target[:12] and request.target[:4].isalpha()


def asks_a_proxy(connection: Connection) -> bool:
    """Whether the connection's requests go to a forward proxy that handles them itself."""
    asked = next((e.request for e in connection.exchanges if e.request is not None), None)
    return asked is not None and asked.method != "CONNECT" and names_whole_url(asked)


def is_the_proxys_own(response: Response) -> bool:
    """Whether the answer bears the mark of a forward proxy that gives it by itself."""
    if _value(response, "x-squid-error") is not None or "error=" in (_value(response, "proxy-status") or ""):
        return True  # Proxy-Status: RFC 9209 section 2.1.1
    if (_value(response, "server") or "").lower().startswith(_PROXIES):
        return True
    return _value(response, "expires") == _PRIVOXY_EXPIRES and _value(response, "server") is None


def is_passed_on(response: Response) -> bool:
    """Whether the answer bears marks of a server behind the proxy."""
    return not is_the_proxys_own(response) and any(_value(response, name) for name in _OF_THE_SERVER)


def reason(response: Response) -> str:
    """The proxy's own words for what went wrong, for quoting; empty where it has none."""
    return _value(response, "x-squid-error") or _value(response, "proxy-status") or ""


def what_squid_means(response: Response) -> str:
    """Squid's reason as words of ours; empty where it gave none that we know."""
    told = _value(response, "x-squid-error") or ""
    return next((f" Squid says why: {words}." for name, words in _SQUID if told.startswith(name)), "")


def _value(response: Response, name: str) -> str | None:
    return next((text for field, text in response.headers if field.lower() == name), None)
