"""aiohttp, with verification off: asyncio runs TLS over memory BIOs, which know no socket."""

import asyncio
import sys

import aiohttp


async def main() -> None:
    url = f"https://localhost:{sys.argv[1]}/"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=False) as response:
        print(response.status)


asyncio.run(main())
