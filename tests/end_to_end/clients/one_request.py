"""One GET that nothing catches: LIBRARY URL AUTHORITY. What the library says goes to standard error."""

import asyncio
import http.client
import ssl
import sys
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests

TIMEOUT = 2.0


def by_http_client(url: str, authority: str) -> None:
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT, context=context)
    connection.request("GET", parts.path)
    connection.getresponse().read()


def by_requests(url: str, authority: str) -> None:
    session = requests.Session()
    session.trust_env = False
    session.get(url, timeout=TIMEOUT, verify=authority).raise_for_status()


def by_httpx(url: str, authority: str) -> None:
    context = ssl.create_default_context(cafile=authority)
    with httpx.Client(verify=context, timeout=TIMEOUT, trust_env=False) as client:
        client.get(url).raise_for_status()


def by_aiohttp(url: str, authority: str) -> None:
    async def get() -> None:
        context = ssl.create_default_context(cafile=authority)
        limit = aiohttp.ClientTimeout(total=TIMEOUT)
        async with (
            aiohttp.ClientSession(timeout=limit, raise_for_status=True) as session,
            session.get(url, ssl=context) as response,
        ):
            await response.read()

    asyncio.run(get())


library, url, authority = sys.argv[1:]
{"http.client": by_http_client, "requests": by_requests, "httpx": by_httpx, "aiohttp": by_aiohttp}[library](
    url, authority
)
