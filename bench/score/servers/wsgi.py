"""What gunicorn serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def application(environ: dict[str, object], start: Callable[..., object]) -> Iterable[bytes]:
    """An object for every path."""
    body = b"an object\n" * 40
    environ["wsgi.input"].read()  # type: ignore[attr-defined]
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
