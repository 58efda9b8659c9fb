"""Get objects, and ask for every fourth one in the clear, at the port of HTTPS.

HOST PORT AUTHORITY COUNT
"""

import http.client
import ssl
import sys

host, port, authority, count = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
failed = 0
for number in range(1, int(count) + 1):
    target = f"/container/object-{number}"
    connection = (
        http.client.HTTPSConnection(host, int(port), timeout=10, context=context)
        if number % 4
        else http.client.HTTPConnection(host, int(port), timeout=10)
    )
    try:
        connection.request("GET", target)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        failed += 1
        print(f"GET {target}: {type(error).__name__}: {error}")
    connection.close()
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
