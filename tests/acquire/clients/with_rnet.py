"""One request by rnet, whose TLS is BoringSSL."""

import asyncio
import os
import sys

import rnet


async def ask() -> None:
    answer = await rnet.Client(verify=False).get(f"https://localhost:{sys.argv[1]}/")
    print(answer.status)


asyncio.run(ask())
sys.stdout.flush()
os._exit(0)  # its threads and the interpreter's end do not get on with each other: a crash now and then
