"""The local server: loopback only, behind a random path, for pages of its own origin.

Whoever knows the address may read the case: it holds a token of 256 bits that stands nowhere else. Another
page in the same browser does not know it, and could not use it: the Host must be the loopback address and
port (so that no name of somebody's can be pointed here, DNS rebinding), and an Origin, where there is one,
must be ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import socket
import threading
from typing import TYPE_CHECKING

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from plainwire.model import UserError
from plainwire.report import html
from plainwire.report.page import bundle
from plainwire.ui.sources import POLL, GrowingCase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from plainwire.ui.sources import Growth, ServedCase

LOOPBACK = "127.0.0.1"
_TOKEN_BYTES = 32
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


def application(sources: Sequence[ServedCase], token: str, port: int) -> ASGIApp:
    """What answers requests."""
    live = next((source for source in sources if isinstance(source, GrowingCase)), None)

    def chosen(request: Request) -> ServedCase | None:
        number = int(request.path_params["number"])
        return sources[number] if number < len(sources) else None

    async def page(_request: Request) -> Response:
        welcome = {"served": 1, "cases": [source.name for source in sources], "live": live is not None}
        text = html.page(
            "<main class='plain'><p>This page needs its script.</p></main>",
            facts=html.embedded(welcome),
            title="plainwire",
            policy=bundle.policy("'self'"),
        )
        return HTMLResponse(text)

    async def case(request: Request) -> Response:
        source = chosen(request)
        if source is None:
            return Response(status_code=404)
        try:
            found = await run_in_threadpool(source.page)
        except UserError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        return Response(found, media_type="application/json") if found else Response(status_code=404)

    async def bodies(request: Request) -> Response:
        source = chosen(request)
        found = None
        if source is not None:
            found = await run_in_threadpool(source.bodies, int(request.path_params["exchange"]))
        return Response(status_code=404) if found is None else JSONResponse(found)

    async def events(_request: Request) -> Response:
        if live is None:
            return Response(status_code=404)
        return StreamingResponse(_told(live), media_type="text/event-stream")

    routes = [
        Route(f"/{token}/", page),
        Route(f"/{token}/cases/{{number:int}}", case),
        Route(f"/{token}/cases/{{number:int}}/bodies/{{exchange:int}}", bodies),
        Route(f"/{token}/events", events),
    ]
    return Guard(Starlette(routes=routes), token, port)


async def _told(live: GrowingCase) -> AsyncIterator[bytes]:
    """Server-sent events: how far the case has come, each time that it changes."""
    known: Growth | None = None
    while known is None or known.running:
        if live.growth != known:
            known = live.growth
            yield b"data: " + msgspec.json.encode(known) + b"\n\n"
        await asyncio.sleep(POLL / 2)


class Guard:
    """Refuses what does not come from our own page, before anything else looks at it."""

    def __init__(self, inner: ASGIApp, token: str, port: int) -> None:
        self._inner, self._token = inner, token.encode()
        self._hosts = {f"{LOOPBACK}:{port}".encode(), f"localhost:{port}".encode()}
        self._origins = {b"http://" + host for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        refused = self._refused(scope) if scope["type"] == "http" else 403

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        if refused:
            await Response(status_code=refused)(scope, receive, sent)
        else:
            await self._inner(scope, receive, sent)

    def _refused(self, scope: Scope) -> int:
        """The status of a refusal; 0: it may go on."""
        fields: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = [value for name, value in fields if name == b"host"]
        origins = [value for name, value in fields if name == b"origin"]
        sites = [value for name, value in fields if name == b"sec-fetch-site"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return 421
        if any(origin not in self._origins for origin in origins):
            return 403
        if any(site not in {b"same-origin", b"none"} for site in sites):
            return 403
        if scope["method"] not in {"GET", "HEAD"}:
            return 405
        part = scope["path"].encode().split(b"/")[1]
        return 0 if hmac.compare_digest(part, self._token) else 404


class Served(msgspec.Struct):
    """A server that runs in a thread of its own, at ``address``."""

    address: str
    server: uvicorn.Server
    thread: threading.Thread


@contextlib.contextmanager
def serving(sources: Sequence[ServedCase], port: int = 0) -> Iterator[Served]:
    """Serve ``sources`` as long as this lasts; ``port`` 0: one that is free.

    Raises:
        UserError: the port is taken.

    """
    listener = socket.socket()
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()  # who comes before the thread is ready waits
    except OSError as error:
        listener.close()
        message = f"port {port}: {error.strerror}"
        raise UserError(message) from error
    token, actual = secrets.token_urlsafe(_TOKEN_BYTES), listener.getsockname()[1]
    config = uvicorn.Config(
        application(sources, token, actual),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="ui", daemon=True)
    thread.start()
    try:
        yield Served(f"http://{LOOPBACK}:{actual}/{token}/", server, thread)
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        listener.close()
