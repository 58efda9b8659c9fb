"""A program that forks with a connection open: the child uses it, and then the parent does.

HOST PORT AUTHORITY ROUNDS TIMEOUT
"""

import http.client
import os
import ssl
import sys

host, port, authority, rounds, timeout = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
connection = http.client.HTTPSConnection(host, int(port), timeout=float(timeout), context=context)
failed = 0


def fetch(target: str) -> bool:
    """Whether the request was answered."""
    try:
        connection.request("GET", target)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        print(f"GET {target}: {type(error).__name__}: {error}", flush=True)
        connection.close()  # the next request opens a new one
        return False
    return True


for number in range(1, 3 * int(rounds), 3):
    failed += not fetch(f"/container/object-{number}")
    child = os.fork()
    if child == 0:
        os._exit(0 if fetch(f"/container/object-{number + 1}") else 1)
    _, status = os.waitpid(child, 0)
    failed += status != 0
    failed += not fetch(f"/container/object-{number + 2}")
    connection.close()
print(f"{3 * int(rounds)} requests, {failed} failed")
sys.exit(1 if failed else 0)
