"""Fetch objects like a client whose cookies only ever grow: each response adds one.

HOST PORT AUTHORITY COUNT SIZE
"""

import http.client
import ssl
import sys

host, port, authority, count, size = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
connection = http.client.HTTPSConnection(host, int(port), timeout=10, context=context)
failed = 0
for number in range(1, int(count) + 1):
    target = "/container/object"
    cookies = "; ".join(f"visit-{each}={'x' * int(size)}" for each in range(number))
    connection.request("GET", target, headers={"Cookie": cookies})
    response = connection.getresponse()
    response.read()
    if response.status != http.HTTPStatus.OK:
        failed += 1
        print(f"GET {target}: {response.status} {response.reason}")
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
