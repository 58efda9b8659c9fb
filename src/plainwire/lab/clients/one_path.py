"""The same loop as serial.py, but every fourth request is for one and the same object.

HOST PORT AUTHORITY COUNT TARGET
"""

import http.client
import ssl
import sys

host, port, authority, count, often = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
connection = http.client.HTTPSConnection(host, int(port), timeout=10, context=context)
failed = 0
for number in range(1, int(count) + 1):
    target = f"/container/object-{number}" if number % 4 else often
    connection.request("GET", target)
    response = connection.getresponse()
    response.read()
    if response.status != http.HTTPStatus.OK:
        failed += 1
        print(f"GET {target}: {response.status} {response.reason}")
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
