"""Programs that fail before any request leaves: KIND URL CA.

``pool``: the one connection of httpx's pool waits for an answer. ``unread``: its response was never read.
``files``: no descriptor is left for another connection.
"""

from __future__ import annotations

import http.client
import resource
import ssl
import sys
import threading
from urllib.parse import urlsplit

import httpx


def _pool(url: str, authority: str, *, unread: bool) -> None:
    limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(30, pool=1)
    context = ssl.create_default_context(cafile=authority)
    with httpx.Client(verify=context, limits=limits, timeout=timeout) as client:
        if unread:
            client.send(client.build_request("GET", url), stream=True)
        else:
            threading.Thread(target=client.get, args=(url,), daemon=True).start()
            threading.Event().wait(1)
        client.get(url)


def _files(url: str, authority: str) -> None:
    place, context = urlsplit(url), ssl.create_default_context(cafile=authority)
    resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
    kept = []
    for _ in range(24):
        connection = http.client.HTTPSConnection(place.netloc, context=context, timeout=30)
        connection.request("GET", place.path)
        connection.getresponse().read()
        kept.append(connection)


def main() -> None:
    """See the module."""
    kind, url, authority = sys.argv[1:]
    if kind == "files":
        _files(url, authority)
    else:
        _pool(url, authority, unread=kind == "unread")


if __name__ == "__main__":
    main()
