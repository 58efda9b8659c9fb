"""Request targets that are alike but for names and numbers in them."""

from __future__ import annotations

import re

_PLAIN_SEGMENT = re.compile(r"[A-Za-z_.\-]{1,24}|v\d{1,2}")


def template(target: str) -> str:
    """Return a request target without what differs from call to call: ``/v1/users/{}/items``.

    What is left is safe to print, and holds neither a query nor anything that looks like a secret.
    """
    path = target.partition("?")[0].partition("#")[0]
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    segments = path.split("/")[1:9]
    return "/" + "/".join(part if not part or _PLAIN_SEGMENT.fullmatch(part) else "{}" for part in segments)
