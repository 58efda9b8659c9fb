"""As src/plainwire/lab/clients/serial.py, with aiohttp. FRESH (environment): requests in each session."""

import asyncio
import itertools
import os
import ssl
import sys

import aiohttp

host, port, authority, count, timeout, method, size, *pauses = sys.argv[1:]
body = b"x" * int(size) if int(size) else None
fresh = int(os.environ.get("FRESH", "0"))
context = ssl.create_default_context(cafile=authority)


def session() -> aiohttp.ClientSession:
    """A pool of connections."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context), timeout=aiohttp.ClientTimeout(total=float(timeout))
    )


async def main() -> int:
    """The loop."""
    client = session()
    failed = 0
    for number, pause in zip(range(1, int(count) + 1), itertools.cycle(pauses or ["0"]), strict=False):
        target = f"/container/object-{number}"
        if fresh and number > 1 and number % fresh == 1 % fresh:
            await client.close()
            client = session()
        try:
            async with client.request(method, f"https://{host}:{port}{target}", data=body) as response:
                await response.read()
                if response.status != 200:
                    failed += 1
                    print(f"{method} {target}: {response.status} {response.reason}")
        except (aiohttp.ClientError, TimeoutError) as error:
            failed += 1
            print(f"{method} {target}: {type(error).__name__}: {error}")
        await asyncio.sleep(float(pause))
    await client.close()
    return failed


failures = asyncio.run(main())
print(f"{count} requests, {failures} failed")
sys.exit(1 if failures else 0)
