"""Open WebSockets one after another, say a word, and listen to the end.

HOST PORT AUTHORITY COUNT LIBRARY BUSY: with ``websockets`` or ``aiohttp``; the program computes for BUSY
seconds after its word, and answers no PING meanwhile.
"""

import asyncio
import ssl
import sys
import time

host, port, authority, count, library, busy = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
ORDINARY = (1000, 1001, 1005)


async def with_websockets(url: str) -> int:
    """Return the code with which the WebSocket was closed."""
    import websockets  # noqa: PLC0415 - only one of the two need be there

    async with websockets.connect(url, ssl=context, ping_interval=None, proxy=None) as websocket:
        await websocket.send("hello")
        time.sleep(float(busy))  # noqa: ASYNC251 - a program that blocks its loop is what is played
        try:
            async for _ in websocket:
                pass
        except websockets.ConnectionClosed:
            pass
        return websocket.close_code or 1006


async def with_aiohttp(url: str) -> int:
    """Return the same."""
    import aiohttp  # noqa: PLC0415 - as above

    async with aiohttp.ClientSession() as session, session.ws_connect(url, ssl=context) as websocket:
        await websocket.send_str("hello")
        time.sleep(float(busy))  # noqa: ASYNC251 - as above
        async for _ in websocket:
            pass
        return websocket.close_code or 1006


async def main() -> int:
    """One WebSocket after another; how many went wrong."""
    failed = 0
    for number in range(1, int(count) + 1):
        target = f"/socket-{number}"
        try:
            code = await (with_websockets if library == "websockets" else with_aiohttp)(
                f"wss://{host}:{port}{target}"
            )
            said = "" if code in ORDINARY else f"closed with {code}"
        except Exception as error:  # noqa: BLE001 - each library has its own
            said = f"{type(error).__name__}: {error}"
        if said:
            failed += 1
            print(f"GET {target}: {said}")
        await asyncio.sleep(0.05)
    return failed


bad = asyncio.run(main())
print(f"{count} requests, {bad} failed")
sys.exit(1 if bad else 0)
