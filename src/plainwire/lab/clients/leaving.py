"""A client that asks, and hangs up on some answers: not for the time, but as nobody wants them any more.

HOST PORT AUTHORITY COUNT WANTED: WANTED is how long a request is wanted, in seconds.
"""

import http.client
import select
import ssl
import sys

host, port, authority, count, wanted = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
connection = None
failed = 0
for number in range(1, int(count) + 1):
    target = f"/container/object-{number}"
    connection = connection or http.client.HTTPSConnection(host, int(port), timeout=10, context=context)
    connection.request("GET", target)
    if select.select([connection.sock], [], [], float(wanted))[0]:
        connection.getresponse().read()
        continue
    failed += 1
    print(f"GET {target}: nobody wants it any more")
    connection.close()
    connection = None
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
