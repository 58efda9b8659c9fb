"""Where redirects lead: target URIs, and how soon a client follows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin

from plainwire.diagnose.traffic.copies import value

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered


CHAIN_NS = 10_000_000_000
"""A client follows a redirect at once: what comes later than this is not part of the chain."""


def url(case: Answered) -> str:
    """Where the request went: the target URI (RFC 9110 section 7.1)."""
    scheme = "https" if case.connection.tls is not None or case.connection.quic is not None else "http"
    return _joined(f"{scheme}://{case.request.authority or case.connection.server}", case.request.target)


def leads_to(case: Answered) -> str | None:
    """Where the response sends the client (RFC 9110 section 10.2.2)."""
    location = value(case.response, "location")
    return None if location is None else _joined(url(case), location)


def _joined(base: str, reference: str) -> str:
    """A reference resolved, without its fragment; what is not a URL stands for itself."""
    try:
        whole = urldefrag(urljoin(base, reference)).url
    except ValueError:
        return reference
    scheme, mark, rest = whole.partition("://")
    host, slash, path = rest.partition("/")
    default = {"https": ":443", "http": ":80"}.get(scheme.lower(), ":")
    return f"{scheme.lower()}{mark}{host.lower().removesuffix(default)}{slash or '/'}{path}"
