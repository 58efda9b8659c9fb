"""Fetch objects one after another over one persistent connection: send, wait, send.

HOST PORT AUTHORITY COUNT TIMEOUT METHOD SIZE PAUSE...
"""

import http.client
import itertools
import ssl
import sys
import time

host, port, authority, count, timeout, method, size, *pauses = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
body = b"x" * int(size) if int(size) else None
connection = http.client.HTTPSConnection(host, int(port), timeout=float(timeout), context=context)
failed = 0
for number, pause in zip(range(1, int(count) + 1), itertools.cycle(pauses or ["0"]), strict=False):
    target = f"/container/object-{number}"
    try:
        connection.request(method, target, body)
        response = connection.getresponse()
        response.read()
        if response.status != http.HTTPStatus.OK:
            failed += 1
            print(f"{method} {target}: {response.status} {response.reason}")
    except (OSError, http.client.HTTPException) as error:
        failed += 1
        print(f"{method} {target}: {type(error).__name__}: {error}")
        connection.close()  # the next request opens a new one
    time.sleep(float(pause))
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
