"""One GET by aiohttp, for ``eight_failures``, which is Python 2 as well."""

import asyncio
import ssl

import aiohttp


def get(url: str, authority: str, timeout: float) -> None:
    async def ask() -> None:
        context = ssl.create_default_context(cafile=authority)
        limit = aiohttp.ClientTimeout(total=timeout)
        async with (
            aiohttp.ClientSession(timeout=limit, raise_for_status=True) as session,
            session.get(url, ssl=context) as response,
        ):
            await response.read()

    asyncio.run(ask())
