"""A client that asks over one connection all the time, and for what a line of its input says over another.

``python steady.py PORT AUTHORITY``: each line of input is the path of one request; its end is the client's.
"""

from __future__ import annotations

import http.client
import ssl
import sys
import threading

port, context = int(sys.argv[1]), ssl.create_default_context(cafile=sys.argv[2])
over = threading.Event()


def connected() -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("127.0.0.1", port, context=context)


def steady() -> None:
    connection = connected()
    while not over.wait(0.05):
        connection.request("GET", "/ok")
        connection.getresponse().read()
    connection.close()


asking = threading.Thread(target=steady)
asking.start()
for line in sys.stdin:
    try:
        connection = connected()
        connection.request("GET", f"/{line.strip()}")
        response = connection.getresponse()
        response.read()
        print(response.status, flush=True)
    except (OSError, http.client.HTTPException) as error:
        print(type(error).__name__, flush=True)
over.set()
asking.join()
sys.exit(3)
