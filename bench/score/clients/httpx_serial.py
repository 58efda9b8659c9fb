"""As src/plainwire/lab/clients/serial.py, with httpx. FRESH (environment): requests in each session."""

import itertools
import os
import ssl
import sys
import time

import httpx

host, port, authority, count, timeout, method, size, *pauses = sys.argv[1:]
body = b"x" * int(size) if int(size) else None
fresh = int(os.environ.get("FRESH", "0"))
context = ssl.create_default_context(cafile=authority)


def session() -> httpx.Client:
    """A pool of connections."""
    return httpx.Client(verify=context, trust_env=False, timeout=float(timeout))


client = session()
failed = 0
for number, pause in zip(range(1, int(count) + 1), itertools.cycle(pauses or ["0"]), strict=False):
    target = f"/container/object-{number}"
    if fresh and number > 1 and number % fresh == 1 % fresh:
        client.close()
        client = session()
    try:
        response = client.request(method, f"https://{host}:{port}{target}", content=body)
        if response.status_code != httpx.codes.OK:
            failed += 1
            print(f"{method} {target}: {response.status_code} {response.reason_phrase}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        failed += 1
        print(f"{method} {target}: {type(error).__name__}: {error}")
    time.sleep(float(pause))
client.close()
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
