"""As src/plainwire/lab/clients/serial.py, with a new connection after every FRESH requests."""

import http.client
import itertools
import os
import ssl
import sys
import time

host, port, authority, count, timeout, method, size, *pauses = sys.argv[1:]
body = b"x" * int(size) if int(size) else None
fresh = int(os.environ.get("FRESH", "0"))
context = ssl.create_default_context(cafile=authority)
connection = http.client.HTTPSConnection(host, int(port), timeout=float(timeout), context=context)
for number, pause in zip(range(1, int(count) + 1), itertools.cycle(pauses or ["0"]), strict=False):
    if fresh and number > 1 and number % fresh == 1 % fresh:
        connection.close()
    connection.request(method, f"/container/object-{number}", body)
    response = connection.getresponse()
    response.read()
    if response.status != http.HTTPStatus.OK:
        sys.exit(f"{response.status} {response.reason}")
    time.sleep(float(pause))
connection.close()
print(f"{count} requests, 0 failed")
