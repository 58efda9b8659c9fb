"""Write objects, and read each of them three times at once.

HOST PORT AUTHORITY COUNT PAUSE
"""

import http.client
import ssl
import sys
import time

host, port, authority, count, pause = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
connection = http.client.HTTPSConnection(host, int(port), timeout=10, context=context)
failed = 0
for number in range(1, int(count) + 1):
    target = f"/container/object-{number}"
    for method in ("PUT", "GET", "GET", "GET"):
        connection.request(method, target, b"x" * 100 if method == "PUT" else None)
        response = connection.getresponse()
        response.read()
        if response.status != http.HTTPStatus.OK:
            failed += 1
            print(f"{method} {target}: {response.status} {response.reason}")
        time.sleep(float(pause))
print(f"{count} objects, {failed} failed")
sys.exit(1 if failed else 0)
