"""The same loop as serial.py inside a library that repeats a failed request and tells nobody.

HOST PORT AUTHORITY COUNT METHOD
"""

import http.client
import ssl
import sys

host, port, authority, count, method = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
connection = http.client.HTTPSConnection(host, int(port), timeout=10, context=context)


def fetch(target: str, attempts: int = 5) -> int:
    """Return the status, after as many as ``attempts`` requests."""
    try:
        connection.request(method, target, b"a booking" if method == "POST" else None)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        if attempts == 1:
            raise
        return fetch(target, attempts - 1)
    return response.status


for number in range(1, int(count) + 1):
    status = fetch(f"/container/object-{number}")
    if status != http.HTTPStatus.OK:
        sys.exit(f"object-{number}: {status}")
print(f"{count} requests, 0 failed")
