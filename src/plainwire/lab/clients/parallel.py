"""Several loops as in serial.py at the same time, each with a connection of its own.

HOST PORT AUTHORITY LOOPS COUNT TIMEOUT PAUSE...: loop number n starts n * 0.13 seconds late.
"""

import http.client
import itertools
import ssl
import sys
import threading
import time

host, port, authority, loops, count, timeout, *pauses = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
failed: list[str] = []


def loop(name: int) -> None:
    """One loop."""
    time.sleep(name * 0.13)
    connection = http.client.HTTPSConnection(host, int(port), timeout=float(timeout), context=context)
    for number, pause in zip(range(1, int(count) + 1), itertools.cycle(pauses or ["0"]), strict=False):
        target = f"/container-{name}/object-{number}"
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            response.read()
            if response.status != http.HTTPStatus.OK:
                failed.append(f"GET {target}: {response.status} {response.reason}")
        except (OSError, http.client.HTTPException) as error:
            failed.append(f"GET {target}: {type(error).__name__}: {error}")
            connection.close()
        time.sleep(float(pause))


threads = [threading.Thread(target=loop, args=(name,)) for name in range(int(loops))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("\n".join(failed))
print(f"{int(loops) * int(count)} requests, {len(failed)} failed")
sys.exit(1 if failed else 0)
