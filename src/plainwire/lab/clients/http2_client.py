"""Fetch objects over HTTP/2 with httpx, some at the same time.

HOST PORT AUTHORITY COUNT TIMEOUT TOGETHER PAUSE
"""

import asyncio
import ssl
import sys

import httpx

host, port, authority, count, timeout, together, pause = sys.argv[1:]
failed: list[str] = []


async def fetch(client: httpx.AsyncClient, target: str) -> None:
    """One request."""
    try:
        answer = await client.get(f"https://{host}:{port}{target}")
        if answer.status_code != httpx.codes.OK:
            failed.append(f"GET {target}: {answer.status_code}")
    except httpx.HTTPError as error:
        failed.append(f"GET {target}: {type(error).__name__}: {error}")


async def main() -> None:
    """Groups of ``together`` requests, a pause after each."""
    context = ssl.create_default_context(cafile=authority)
    async with httpx.AsyncClient(
        http2=True, http1=False, verify=context, trust_env=False, timeout=float(timeout)
    ) as client:
        for first in range(1, int(count) + 1, int(together)):
            numbers = range(first, min(first + int(together), int(count) + 1))
            await asyncio.gather(*(fetch(client, f"/container/object-{number}") for number in numbers))
            await asyncio.sleep(float(pause))


asyncio.run(main())
print("\n".join(failed))
print(f"{count} requests, {len(failed)} failed")
sys.exit(1 if failed else 0)
