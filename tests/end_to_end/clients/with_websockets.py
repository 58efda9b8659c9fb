"""A WebSocket, by websockets."""

from __future__ import annotations

import asyncio
import ssl

from websockets.asyncio.client import connect


def get(url: str, authority: str, seconds: float) -> None:
    asyncio.run(_get(url, authority, seconds))


async def _get(url: str, authority: str, seconds: float) -> None:
    context = ssl.create_default_context(cafile=authority)
    place = url.replace("https:", "wss:")
    async with connect(place, ssl=context, open_timeout=seconds, proxy=None) as socket:
        await socket.recv()
