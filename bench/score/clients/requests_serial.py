"""As src/plainwire/lab/clients/serial.py, with requests. FRESH (environment): requests in each session."""

import itertools
import os
import sys
import time

import requests

host, port, authority, count, timeout, method, size, *pauses = sys.argv[1:]
body = b"x" * int(size) if int(size) else None
fresh = int(os.environ.get("FRESH", "0"))
session = requests.Session()
session.trust_env = False
failed = 0
for number, pause in zip(range(1, int(count) + 1), itertools.cycle(pauses or ["0"]), strict=False):
    target = f"/container/object-{number}"
    if fresh and number > 1 and number % fresh == 1 % fresh:
        session.close()
    try:
        response = session.request(
            method, f"https://{host}:{port}{target}", data=body, timeout=float(timeout), verify=authority
        )
        if response.status_code != requests.codes.OK:
            failed += 1
            print(f"{method} {target}: {response.status_code} {response.reason}")
    except requests.RequestException as error:
        failed += 1
        print(f"{method} {target}: {type(error).__name__}: {error}")
    time.sleep(float(pause))
session.close()
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
