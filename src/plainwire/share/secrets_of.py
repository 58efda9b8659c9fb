"""What of a report's exchanges is a secret: the values that a bundle must not hold, and where they stood.

This is told from the report, not from what a bundle was made of: so it can be held against a finished bundle
as a second opinion (``checking``), and what is a secret in one place is known in all others (``hiding``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.report import redact
from plainwire.share.hiding import hidden_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from plainwire.model import Exchange, Request, Response

_MOST_BODY = 1 << 20
_MOST_VALUES = 20_000


def secrets_of(exchanges: Iterable[Exchange], names: Iterable[str] = ()) -> dict[str, str]:
    """Secrets (each character a byte), and for each where it was first seen: ``exchange 4, cookie``.

    ``names``: header fields that are secrets too.
    """
    found: dict[str, str] = {}
    hidden = frozenset(name.lower() for name in names)
    for exchange in exchanges:
        for place, value in _values(exchange, hidden):
            if len(found) >= _MOST_VALUES:
                return found
            found.setdefault(value, f"exchange {exchange.id}, {place}")
    return found


def _values(exchange: Exchange, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    request, response = exchange.request, exchange.response
    if request is not None:
        yield from _hidden("target", request.target, redact.target)
        yield from _message(request, names)
    for message in (*exchange.interim, response):
        if message is not None:
            yield from _hidden("reason phrase", message.reason, redact.line)
            yield from _message(message, names)
    if exchange.websocket is not None:
        for close in exchange.websocket.closes:
            if close is not None:
                yield from _hidden("close reason", close.reason, redact.line)


def _message(message: Request | Response, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name, value in (*message.headers, *message.trailers):
        lower = name.lower()
        if lower in names:
            yield lower, value
        elif lower == ":path":
            yield from _hidden(lower, value, redact.target)
        else:
            yield from _hidden(lower, value, lambda text, name=name: redact.field(name, text))  # type: ignore[misc]
    if message.body:
        text = message.body[:_MOST_BODY].decode("latin-1")
        yield from _hidden("body", text, redact.body)


def _hidden(place: str, text: str, show: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for start, end in hidden_spans(text, show(text)):
        yield place, text[start:end]
