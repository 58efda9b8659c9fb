"""Upload objects, and stop in the middle of every fourth: the rest of the body never comes.

HOST PORT AUTHORITY COUNT SIZE
"""

import http.client
import ssl
import sys

host, port, authority, count, size = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
failed = 0
for number in range(1, int(count) + 1):
    target = f"/container/object-{number}"
    connection = http.client.HTTPSConnection(host, int(port), timeout=20, context=context)
    connection.putrequest("PUT", target)
    connection.putheader("Content-Length", size)
    connection.endheaders()
    connection.send(b"x" * (int(size) if number % 4 else int(size) // 2))
    response = connection.getresponse()
    response.read()
    if response.status != http.HTTPStatus.OK:
        failed += 1
        print(f"PUT {target}: {response.status} {response.reason}")
    connection.close()
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
