"""Which proxies a program's environment names: variable to host and port, without user and password."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES = ("https_proxy", "http_proxy", "all_proxy")
_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks5": 1080, "socks5h": 1080}
"""curl's default for a proxy without a port is 1080; libraries take the scheme's own."""


def named(environment: Mapping[str, str]) -> dict[str, str]:
    """``{"HTTPS_PROXY": "proxy.example:3128"}``; what is no URL of a host is left out."""
    found: dict[str, str] = {}
    for variable in (*_VARIABLES, *map(str.upper, _VARIABLES)):
        text = environment.get(variable, "")
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            port = parts.port or _PORTS.get(parts.scheme.lower(), 1080)
        except ValueError:
            continue
        if parts.hostname:
            found[variable] = f"{parts.hostname}:{port}"
    return found
