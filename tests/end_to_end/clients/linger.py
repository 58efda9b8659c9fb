"""Open connections, send a few requests on each, and wait until the server closes.

HOST PORT AUTHORITY WAIT PAUSE COUNT... : one connection for each COUNT, PAUSE seconds apart, so many requests
on it; a COUNT of 0 means as many as the server answers. WAIT: seconds after which nobody waits any longer.
"""

import http.client
import itertools
import ssl
import sys
import threading
import time

host, port, authority, wait, pause, *counts = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)


def say(line: str) -> None:
    """In one piece: other threads speak too."""
    sys.stdout.write(f"{line}\n")


def use(place: int, count: int) -> None:
    """One connection from beginning to end."""
    time.sleep(float(pause) * place)
    connection = http.client.HTTPSConnection(host, int(port), timeout=float(wait), context=context)
    connection.connect()
    connection.auto_open = 0  # a closed connection stays closed
    for number in range(count) if count else itertools.count():
        connection.request("GET", f"/{place}/{number}")
        response = connection.getresponse()
        response.read()
        if response.will_close:
            say(f"the server ended it after {number + 1}")
            return
        if count:
            time.sleep(0.03 * place)
    try:
        left = connection.sock.recv(1)
    except TimeoutError:
        left = b"?"
    say("still open" if left else "closed")


threads = [threading.Thread(target=use, args=(place, int(count))) for place, count in enumerate(counts, 1)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
